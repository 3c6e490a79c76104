/**
 * The part of AeroAPI v4's answers that we read. Unknown fields are allowed, as are missing optional
 * ones; a missing required field or a time without an offset makes the whole answer malformed.
 */
import { z } from 'zod'
import { parseInstant, type Instant } from '../../domain/time.ts'

const instant = z.string().transform((text, context): Instant => {
  try {
    return parseInstant(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'not an instant with an offset' })
    return z.NEVER
  }
})

const time = instant.nullish().transform((value) => value ?? null)
/** Servers of the dialect write "none" as null, as an empty string or not at all, numbers either way. */
const text = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => (value === undefined || value === null || value === '' ? null : `${value}`))

const links = z.object({ next: z.string().nullish() }).nullish()

const place = z
  .union([
    z.object({ code: text, code_icao: text, code_iata: text }),
    z.string().transform((code) => ({ code, code_icao: null, code_iata: null })),
  ])
  .nullish()
  .transform((value) => value ?? null)

const flight = z.object({
  ident: z.string().min(1),
  ident_icao: text,
  ident_iata: text,
  fa_flight_id: text,
  operator: text,
  operator_icao: text,
  operator_iata: text,
  flight_number: text,
  registration: text,
  // Not optional: a flag that is missing must never read as "not cancelled".
  cancelled: z.boolean(),
  diverted: z.boolean(),
  origin: place,
  destination: place,
  scheduled_out: time,
  scheduled_off: time,
  estimated_out: time,
  actual_out: time,
  actual_off: time,
  actual_on: time,
  scheduled_in: time,
  estimated_in: time,
  actual_in: time,
})

const scheduledFlight = z.object({
  ident: z.string().min(1),
  ident_icao: text,
  ident_iata: text,
  actual_ident: text,
  actual_ident_icao: text,
  actual_ident_iata: text,
  // A row without its times is of no use, but says nothing against the others.
  scheduled_out: time,
  scheduled_in: time,
  origin: place,
  origin_icao: text,
  origin_iata: text,
  destination: place,
  destination_icao: text,
  destination_iata: text,
})

/** `GET /flights/{ident}` and `GET /history/flights/{ident}`: one page. */
export const flightsPage = z.object({ links, flights: z.array(flight) })
/** `GET /schedules/{start}/{end}`: one page. */
export const schedulesPage = z.object({ links, scheduled: z.array(scheduledFlight) })

export type AeroFlight = z.infer<typeof flight>
export type AeroScheduled = z.infer<typeof scheduledFlight>
