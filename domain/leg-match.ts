/** Which of a provider's records speak of one leg. */
import type { ProviderLeg } from './ports/flight-data-provider.ts'
import type { WatchedLeg } from './leg-facts.ts'

export type LegMatch =
  | {
      readonly kind: 'matched'
      /** The leg as planned, origin to insured destination; null when its destination was changed. */
      readonly original: ProviderLeg | null
      /** Records of the same flight to another airport. */
      readonly diversions: readonly ProviderLeg[]
      /** The record that carries a diverted flight on to the insured destination. */
      readonly continuation: ProviderLeg | null
    }
  | { readonly kind: 'none' }
  | { readonly kind: 'ambiguous' }

/**
 * Picks the records of one leg among all records of an ident: other dates, other routes of the number,
 * code shares and duplicates are left out. `knownIds` are provider ids learned from earlier answers.
 */
export function matchLeg(
  leg: WatchedLeg,
  records: readonly ProviderLeg[],
  knownIds: readonly string[],
): LegMatch {
  throw new Error('not there yet')
}
