/** A reference leg, records of it, and answers folded one after another. */
import { decide, type Decision } from '../../../domain/decision.ts'
import {
  emptyFacts,
  foldAnswer,
  type LegFacts,
  type WatchedLeg,
} from '../../../domain/leg-facts.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { REFERENCE_PRODUCTS, type Product } from '../../../domain/product.ts'
import {
  instantFromMs,
  MINUTE_MS,
  parseInstant,
  parseLocalDate,
  toMs,
  type Instant,
} from '../../../domain/time.ts'

/** B6 35 from New York to Palm Beach, 10:00 to 13:00 local on 8 February 2013. */
export const LEG: WatchedLeg = {
  identity: {
    carrier: 'B6',
    flightNumber: '35',
    origin: 'JFK',
    destination: 'PBI',
    originLocalDate: parseLocalDate('2013-02-08'),
  },
  originZone: 'America/New_York',
  destinationZone: 'America/New_York',
  scheduledOut: parseInstant('2013-02-08T15:00:00Z'),
  scheduledIn: parseInstant('2013-02-08T18:00:00Z'),
}

/** Minutes after the scheduled arrival. */
export function arrivalPlus(minutes: number, seconds = 0): Instant {
  return instantFromMs(toMs(LEG.scheduledIn) + minutes * MINUTE_MS + seconds * 1_000)
}

/** Minutes after the scheduled departure. */
export function departurePlus(minutes: number): Instant {
  return instantFromMs(toMs(LEG.scheduledOut) + minutes * MINUTE_MS)
}

export const HOURS = 60

const PLANNED: ProviderLeg = {
  providerFlightId: 'JBU35-1360335600-airline-0001',
  carrier: 'B6',
  flightNumber: '35',
  origin: 'JFK',
  destination: 'PBI',
  scheduledOut: LEG.scheduledOut,
  scheduledIn: LEG.scheduledIn,
  estimatedOut: null,
  estimatedIn: null,
  actualOut: null,
  actualOff: null,
  actualOn: null,
  actualIn: null,
  cancelled: false,
  diverted: false,
  registration: null,
}

/** The leg as planned, with what is said of it. */
export function record(said: Partial<ProviderLeg> = {}): ProviderLeg {
  return { ...PLANNED, ...said }
}

/** The leg at its gate so many minutes late, with plausible times before. */
export function arrived(delayMin: number, said: Partial<ProviderLeg> = {}): ProviderLeg {
  return record({
    actualOut: departurePlus(delayMin),
    actualOff: departurePlus(delayMin + 15),
    actualOn: arrivalPlus(delayMin - 7),
    actualIn: arrivalPlus(delayMin),
    ...said,
  })
}

export type Answer = readonly [fetchedAt: Instant, records: readonly ProviderLeg[]]

/** The facts after these answers. */
export function factsAfter(answers: readonly Answer[], leg: WatchedLeg = LEG): LegFacts {
  return answers.reduce(
    (facts, [fetchedAt, records]) => foldAnswer(facts, leg, records, fetchedAt).facts,
    emptyFacts(),
  )
}

/** A reference product by code. */
export function product(code: string): Product {
  const found = REFERENCE_PRODUCTS.find((candidate) => candidate.code === code)
  if (found === undefined) throw new Error(`no reference product ${code}`)
  return found
}

/** The decision after these answers, at the moment of the last one. */
export function decisionAfter(
  answers: readonly Answer[],
  code = 'FD45',
  now: Instant | undefined = answers.at(-1)?.[0],
): Decision {
  if (now === undefined) throw new Error('no answer and no moment')
  return decide({
    leg: LEG,
    facts: factsAfter(answers),
    insuredScheduledIn: LEG.scheduledIn,
    product: product(code),
    now,
  })
}

/** The same records seen at each of these moments, minutes after the scheduled arrival. */
export function seenAt(minutes: readonly number[], records: readonly ProviderLeg[]): Answer[] {
  return minutes.map((minute) => [arrivalPlus(minute), records])
}
