/**
 * What a flight-data provider would show of a real leg at a moment: nothing before it can be known.
 * Deterministic in leg, moment and seed. Shared by the local provider and the backtest.
 */
import type { PackLeg } from '../leg-pack.ts'
import type { ProviderLeg } from '../ports/flight-data-provider.ts'

/** Everything that will be known of a leg, and when. */
export type LegTimeline = { readonly leg: PackLeg }

/** The records that a provider shows of this leg at `nowMs`; none before two days ahead. */
export function viewLeg(
  leg: PackLeg,
  zones: Record<string, string>,
  nowMs: number,
  seed: number,
): ProviderLeg[] {
  throw new Error('not there yet')
}
