/** The policies of a seeded leg: who holds them, what they insure and what they cost. Drawn by the seed. */
import { currency, minorUnits, shareOf } from '../../domain/money.ts'
import { drawsOf, type Draws } from '../../domain/simulation/random.ts'
import type { StoredProduct } from '../../domain/ports/product-store.ts'
import { addMs, DAY_MS, MINUTE_MS, type Instant } from '../../domain/time.ts'
import type { BindableRow } from '../../operations/policy-page.ts'
import type { SeedLeg } from './seed-flights.ts'
import { POLICIES_PER_LEG, type SeedPlan } from './seed-plan.ts'

/** Numbers of seeded policies begin so. */
export const SEED_PREFIX = 'SEED-'

const SUMS_INSURED = [100, 150, 200, 250, 400, 600] as const
const MINOR_PER_MAJOR = 100
/** What cover costs, of the sum insured. */
const PREMIUM_BPS = 800
/** One in so many insures in euros. */
const IN_EUROS = 10
/** One in so many holders gave an account that the rail does not know: their payouts fail. */
const BAD_ACCOUNTS = 250
/** One in so many is bound by us at that very moment, the others were by a system before us. */
const BOUND_NOW = 8
/** Cover is bound from then on before the page that takes it in. Days. */
const BOUND_WITHIN_DAYS = 20

/** The token of holder number `n`. */
export function seedHolder(n: number): string {
  const digits = String(n).padStart(7, '0')
  return n % BAD_ACCOUNTS === BAD_ACCOUNTS - 1 ? `acct_invalid_seed${digits}` : `acct_seed${digits}`
}

/** The rows to bind of leg number `n`, at `now`. */
export function seedPolicies(
  plan: Pick<SeedPlan, 'seed' | 'counts'>,
  on: { readonly leg: SeedLeg; readonly n: number },
  products: readonly StoredProduct[],
  now: Instant,
): BindableRow[] {
  const draw = drawsOf(`policies|${on.n}`, plan.seed)
  return Array.from({ length: POLICIES_PER_LEG }, (_, index) => {
    const product = pick(products, draw)
    const sumInsuredMinor = minorUnits(pick(SUMS_INSURED, draw) * MINOR_PER_MAJOR)
    const isBoundNow = draw() * BOUND_NOW < 1
    const agoMin = Math.floor((draw() * BOUND_WITHIN_DAYS * DAY_MS) / MINUTE_MS)
    return {
      line: index + 1,
      leg: on.leg.scheduled,
      product,
      row: {
        policyNumber: `${SEED_PREFIX}${String(on.n).padStart(6, '0')}-${String(index).padStart(2, '0')}`,
        product: product.product.code,
        identity: on.leg.identity,
        sumInsuredMinor,
        currency: currency(draw() * IN_EUROS < 1 ? 'EUR' : 'USD'),
        payeeRef: seedHolder(Math.floor(draw() * plan.counts.holders)),
        boundAt: isBoundNow ? null : addMs(now, -agoMin * MINUTE_MS),
        premiumMinor: shareOf(sumInsuredMinor, PREMIUM_BPS),
        tenant: null,
      },
    }
  })
}

function pick<T>(choices: readonly T[], draw: Draws): T {
  const chosen = choices[Math.floor(draw() * choices.length)]
  if (chosen === undefined) throw new RangeError('there is nothing to pick from')
  return chosen
}
