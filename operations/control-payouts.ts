/** The kill switch of payouts, by people: stops them all or a product's, and lets them go on. */
import type { PauseChange, PayoutPause } from '../domain/payout-controls.ts'
import { isSamePause } from '../domain/payout-controls.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { PayoutControls, PayoutControlStore } from '../domain/ports/payout-control-store.ts'

/** There is no such product: a mistyped code must not look like a stop. Never retried. */
export class UnknownProductError extends Error {
  override readonly name = 'UnknownProductError'
  readonly code = 'UNKNOWN_PRODUCT'

  constructor(product: string, known: readonly string[]) {
    super(`there is no product ${product}; known: ${known.join(', ') || 'none'}`)
  }
}

type ControlDeps = { readonly payoutControls: PayoutControlStore; readonly clock: Clock }

/**
 * Pauses or resumes payouts; with `product` only its own. Resuming the whole leaves products paused
 * that were paused by name. Holds from the next payout sent; what is at the rail arrives. Repeating
 * changes nothing. Throws UnknownProductError.
 */
export async function controlPayouts(
  deps: ControlDeps,
  input: PauseChange & { readonly by: string; readonly reason: string },
): Promise<{ before: PayoutPause; after: PayoutPause; isChanged: boolean }> {
  const { action, product, by, reason } = input
  const change = product === undefined ? { action } : { action, product }
  const note = { by, reason, at: await deps.clock.now() }
  const outcome = await deps.payoutControls.changePause(change, note)
  if (outcome.kind === 'unknown-product')
    throw new UnknownProductError(product ?? '', outcome.known)
  const { before, after } = outcome
  return { before, after, isChanged: !isSamePause(before, after) }
}

/** The controls as they stand on the present business day. */
export async function readPayoutControls(deps: ControlDeps): Promise<PayoutControls> {
  return deps.payoutControls.read(await deps.clock.now())
}
