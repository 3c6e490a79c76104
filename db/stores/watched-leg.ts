/** A leg's columns as the domain's WatchedLeg and LegFacts, for the stores that read legs. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import { emptyFacts } from '../../domain/leg-facts.ts'
import type { LegFacts, WatchedLeg } from '../../domain/leg-facts.ts'
import type { SecondFacts } from '../../domain/second-source.ts'
import type { Instant, LocalDate } from '../../domain/time.ts'

/** The columns of `flight_leg` that make up a watched leg. */
export type WatchedLegRow = {
  readonly carrier: string
  readonly flight_number: string
  readonly origin: string
  readonly destination: string
  readonly origin_local_date: LocalDate
  readonly origin_zone: string
  readonly destination_zone: string
  readonly scheduled_out: Instant
  readonly scheduled_in: Instant
  /** `{}` until the first answer. */
  readonly facts: LegFacts | { readonly version?: undefined }
  /** `{}` until the second source is asked. */
  readonly second_facts: SecondFacts | { readonly version?: undefined }
}

/** The columns of `flight_leg l` that a WatchedLegRow is made of. */
export const watchedLegColumns: RawBuilder<unknown> = sql.raw(
  `l.carrier, l.flight_number, l.origin, l.destination, l.origin_local_date, l.origin_zone,
    l.destination_zone, l.scheduled_out, l.scheduled_in, l.facts, l.second_facts`,
)

/** The leg of a row. */
export function watchedLegOf(row: WatchedLegRow): WatchedLeg {
  return {
    identity: {
      carrier: row.carrier,
      flightNumber: row.flight_number,
      origin: row.origin,
      destination: row.destination,
      originLocalDate: row.origin_local_date,
    },
    originZone: row.origin_zone,
    destinationZone: row.destination_zone,
    scheduledOut: row.scheduled_out,
    scheduledIn: row.scheduled_in,
  }
}

/** The facts of a row; empty ones for a leg without an answer. */
export function factsOf(row: WatchedLegRow): LegFacts {
  return row.facts.version === undefined ? emptyFacts() : row.facts
}

/** The second source's facts of a row; null when it was not asked. */
export function secondFactsOf(row: WatchedLegRow): SecondFacts | null {
  return row.second_facts.version === undefined ? null : row.second_facts
}
