/** What was reported of a flight and when it was seen, in words. */
import type { LegFacts, Seen } from './leg-facts.ts'
import { localTime } from './local-time.ts'
import type { Instant } from './time.ts'

/** One thing that was reported. */
export type Observed = {
  readonly what:
    | 'GATE_ARRIVAL'
    | 'TOUCH_DOWN'
    | 'CANCELLED'
    | 'DIVERTED'
    | 'AMBIGUOUS_MATCH'
    | 'NO_RECORD'
  /** The reported time; null for what has none. */
  readonly reported: Instant | null
  readonly firstSeenAt: Instant
  readonly lastSeenAt: Instant
  readonly text: string
}

/** Everything final that was reported, the strongest first. Times on the wall of `zone`. */
export function describeObservations(facts: LegFacts, zone: string): Observed[] {
  const { arrival, landing, cancelled, diversion, ambiguous, missing } = facts
  const found: (Observed | null)[] = [
    arrival &&
      observed('GATE_ARRIVAL', arrival, at('at the gate', arrival.value, zone), arrival.value),
    landing &&
      observed('TOUCH_DOWN', landing, at('touched down', landing.value, zone), landing.value),
    cancelled && observed('CANCELLED', cancelled, 'cancelled'),
    diversion &&
      observed(
        'DIVERTED',
        diversion,
        `diverted${diversion.airport === null ? '' : ` to ${diversion.airport}`}`,
        diversion.landedAt,
      ),
    ambiguous && observed('AMBIGUOUS_MATCH', ambiguous, 'several records that may be this flight'),
    missing && observed('NO_RECORD', missing, 'no record of the flight'),
  ]
  return found.filter((entry) => entry !== null)
}

function at(what: string, value: Instant, zone: string): string {
  return `${what} ${localTime(value, zone).text}`
}

function observed(
  what: Observed['what'],
  { firstSeenAt, lastSeenAt }: Seen,
  words: string,
  reported: Instant | null = null,
): Observed {
  const seen =
    firstSeenAt === lastSeenAt
      ? `seen ${momentText(firstSeenAt)}`
      : `first seen ${momentText(firstSeenAt)}, still so ${momentText(lastSeenAt)}`
  return { what, reported, firstSeenAt, lastSeenAt, text: `${words}, ${seen}` }
}

/** `2013-03-09 17:05 UTC`. */
function momentText(instant: Instant): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, 16)} UTC`
}
