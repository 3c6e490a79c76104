/** What holds payouts back: the kill switch (setting `payouts.paused`), a rail without balance. */
import { MINUTE_MS } from './time.ts'

/** How often, on the business clock, one payout tries a rail again that has no balance. */
export const RAIL_PROBE_MS = 5 * MINUTE_MS

/** Everything, or some products; a product stays paused when only the whole is resumed. */
export type PayoutPause = { readonly all: boolean; readonly products: readonly string[] }

/** A change of the kill switch; without `product` of the whole. */
export type PauseChange = { readonly action: 'pause' | 'resume'; readonly product?: string }

/** What a stored setting says. What cannot be read stops everything, as it does where money moves. */
export function readPause(value: unknown): PayoutPause {
  if (value === null || value === false) return { all: false, products: [] }
  if (typeof value !== 'object' || !('products' in value) || !Array.isArray(value.products)) {
    return { all: true, products: [] }
  }
  const products = value.products.filter((code) => typeof code === 'string')
  return { all: 'all' in value && value.all !== false, products }
}

/** The pause after a change. */
export function changePause(pause: PayoutPause, { action, product }: PauseChange): PayoutPause {
  const isPause = action === 'pause'
  if (product === undefined) return { ...pause, all: isPause }
  const others = pause.products.filter((code) => code !== product)
  return { ...pause, products: isPause ? [...others, product].toSorted() : others }
}

/** Whether two pauses stop the same. */
export function isSamePause(a: PayoutPause, b: PayoutPause): boolean {
  const [ofA, ofB] = [a, b].map(({ all, products }) => [all, ...products.toSorted()].join(' '))
  return ofA === ofB
}
