/**
 * What a second flight-data source says of a leg: facts of its own, never mixed with the first one's.
 * It is asked only when its answer can matter; decides nothing.
 */
import { emptyFacts, foldAnswer, type AnswerFlag, type LegFacts, type Seen } from './leg-facts.ts'
import type { WatchedLeg } from './leg-facts.ts'
import { matchLeg } from './leg-match.ts'
import type { ProviderLeg, TimeReading } from './ports/flight-data-provider.ts'
import type { Instant } from './time.ts'

/** Plain JSON, stored with the leg. */
export type SecondFacts = {
  readonly version: 1
  /** The provider's id. */
  readonly provider: string
  /** Folded from its usable records alone. */
  readonly facts: LegFacts
  /** Since when it reports an incident; null when the newest answer does not. */
  readonly incident: Seen | null
  /** How its times were read, once an answer proved it. */
  readonly timeReading: TimeReading | null
  /** The first and the last time it was asked, whether or not it answered; null before that. */
  readonly asked: Seen | null
}

/** The facts after an answer, and what was remarkable in it. */
export type FoldedSecondAnswer = { readonly second: SecondFacts; readonly flags: AnswerFlag[] }

/** Of a leg that the second source was not asked about. */
export function secondNeverAsked(provider: string): SecondFacts {
  const facts = emptyFacts()
  return { version: 1, provider, facts, incident: null, timeReading: null, asked: null }
}

/** After a call that brought no answer: that it was asked is all that is known. */
export function secondSilent(before: SecondFacts, at: Instant): SecondFacts {
  const firstSeenAt = before.asked?.firstSeenAt ?? at
  return { ...before, asked: { firstSeenAt, lastSeenAt: at } }
}

/**
 * Folds one answer of the second source. Pure. Records whose instants are not certain are left out:
 * they say nothing for or against a payment.
 */
export function foldSecondAnswer(
  before: SecondFacts,
  leg: WatchedLeg,
  records: readonly ProviderLeg[],
  at: Instant,
): FoldedSecondAnswer {
  const usable = records.filter((record) => record.isTimeAmbiguous !== true)
  const { facts, flags } = foldAnswer(before.facts, leg, usable, at)
  const match = matchLeg(leg, usable, before.facts.providerIds)
  const original = match.kind === 'matched' ? match.original : null
  const incident =
    original?.isIncident === true
      ? { firstSeenAt: before.incident?.firstSeenAt ?? at, lastSeenAt: at }
      : null
  const timeReading = original?.timeReading ?? before.timeReading
  return { second: { ...secondSilent(before, at), facts, incident, timeReading }, flags }
}
