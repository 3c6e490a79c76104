/**
 * Asks a second flight-data source about a leg, only where its answer can matter: before a payment, next
 * to a tier, on a lasting cancellation. That it stays silent is kept too.
 */
import { shouldAskSecond } from '../domain/decide-by-sources.ts'
import type { LegFacts } from '../domain/leg-facts.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  FlightDataProvider,
  LegReference,
  ProviderFailureKind,
} from '../domain/ports/flight-data-provider.ts'
import type { LegToPoll, PolledLeg } from '../domain/ports/leg-store.ts'
import {
  foldSecondAnswer,
  secondNeverAsked,
  secondSilent,
  type SecondFacts,
} from '../domain/second-source.ts'
import type { Instant } from '../domain/time.ts'
import { observationOf } from './observed-records.ts'

/** The second source, if there is one. */
export type SecondSourceDeps = {
  readonly secondFlightData?: Pick<FlightDataProvider, 'id' | 'getStatus'> | undefined
  readonly clock: Clock
}

/** What came of it. */
export type AskedSecond = {
  /** Null when it was not asked. */
  readonly second: NonNullable<PolledLeg['second']> | null
  /** What decisions rest on: the new facts, or those stored before; null without a second source. */
  readonly facts: SecondFacts | null
  readonly failure: {
    readonly kind: ProviderFailureKind | 'UNEXPECTED'
    readonly message: string
  } | null
}

/** The second source's facts as stored, or of a leg never asked about; null when there is none. */
export function storedSecond(
  { secondFlightData }: Pick<SecondSourceDeps, 'secondFlightData'>,
  stored: LegToPoll,
): SecondFacts | null {
  if (stored.second !== null) return stored.second
  return secondFlightData === undefined ? null : secondNeverAsked(secondFlightData.id)
}

/** What ends an asking. */
export type AskSecondOptions = {
  /** Cancellation: thrown. */
  readonly signal: AbortSignal | undefined
  /** Time for second opinions is up: a slow second source never holds the first one up. */
  readonly budget: AbortSignal
}

/**
 * Asks it after an answer of the first source, whose facts are `facts`, if any group of the leg's policies
 * needs that. Never throws for what it does; only on cancellation. A leg for which no time was left counts
 * as not asked, and is asked after its next poll.
 */
export async function askSecondSource(
  deps: SecondSourceDeps,
  stored: LegToPoll,
  facts: LegFacts,
  now: Instant,
  { signal, budget }: AskSecondOptions,
): Promise<AskedSecond> {
  const before = storedSecond(deps, stored)
  const { secondFlightData, clock } = deps
  const { leg, groups } = stored
  const isNeeded = groups.some(({ product, insuredScheduledIn }) =>
    shouldAskSecond({ leg, facts, second: before, insuredScheduledIn, product, now }),
  )
  if (secondFlightData === undefined || before === null || !isNeeded) {
    return { second: null, facts: before, failure: null }
  }
  // Kept with the leg, so that no decider takes it for one that has a single source.
  const outOfTime: AskedSecond = {
    second: { askedAt: now, observation: null, facts: before },
    facts: before,
    failure: { kind: 'THROTTLED', message: 'no time was left to ask the second source' },
  }
  if (budget.aborted) return outOfTime
  try {
    const either = signal === undefined ? budget : AbortSignal.any([signal, budget])
    return await ask(secondFlightData, clock, stored, { before, first: facts }, either)
  } catch (error) {
    if (signal?.aborted === true) throw error
    if (budget.aborted) return outOfTime
    // A fault of the second source, or an answer that nobody thought of, never stops the first one.
    const message = error instanceof Error ? error.message : String(error)
    return silence(before, await clock.now(), { kind: 'UNEXPECTED', message })
  }
}

async function ask(
  source: Pick<FlightDataProvider, 'id' | 'getStatus'>,
  clock: Clock,
  { leg, providerIdent }: LegToPoll,
  { before, first }: { readonly before: SecondFacts; readonly first: LegFacts },
  signal: AbortSignal,
): Promise<AskedSecond> {
  const { identity, scheduledOut, scheduledIn } = leg
  const proven = before.timeReading === null ? {} : { timeReading: before.timeReading }
  const changed = changedTimetable(leg, first)
  const reference = { identity, providerIdent, scheduledOut, scheduledIn, ...proven, ...changed }
  const result = await source.getStatus({ ...reference, purpose: 'DECISION' }, signal)
  // Read after the answer: nothing in it can be later than this.
  const askedAt = await clock.now()
  if (!result.ok) return silence(before, askedAt, { kind: result.kind, message: result.message })
  const { second: facts, flags } = foldSecondAnswer(before, leg, result.value, askedAt)
  const observation = observationOf(source.id, leg, before.facts.providerIds, result, flags)
  return { second: { askedAt, observation, facts }, facts, failure: null }
}

/** What the first source shows in place of the insured timetable, if anything. */
function changedTimetable(
  leg: LegToPoll['leg'],
  { scheduledOut, scheduledIn }: LegFacts,
): Pick<LegReference, 'changedTo'> {
  if (scheduledOut === null || scheduledIn === null) return {}
  if (scheduledOut === leg.scheduledOut && scheduledIn === leg.scheduledIn) return {}
  return { changedTo: { scheduledOut, scheduledIn } }
}

function silence(
  before: SecondFacts,
  askedAt: Instant,
  failure: NonNullable<AskedSecond['failure']>,
): AskedSecond {
  const facts = secondSilent(before, askedAt)
  return { second: { askedAt, observation: null, facts }, facts, failure }
}
