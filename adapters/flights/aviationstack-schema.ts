/**
 * The part of aviationstack's answers that we read. Unknown fields are allowed, as are missing optional
 * ones; a missing or unknown status, or a time that is none, makes the whole answer malformed.
 */
import { z } from 'zod'
import { parseInstant, type Instant } from '../../domain/time.ts'

/** A time as it stands in an answer: the label on it may be wrong. */
export type StatedTime = {
  /** `YYYY-MM-DDTHH:MM`, without its offset. */
  readonly wall: string
  readonly second: number
  /** What it is if its offset is believed; null when it has none. */
  readonly labelled: Instant | null
}

const TIME =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::(\d{2})(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/

const statedTime = z.string().transform((text, context): StatedTime => {
  const [, date, clock, second = '00', offset] = TIME.exec(text) ?? []
  const wall = `${date}T${clock}`
  const isTime = [offset ?? 'Z', 'Z'].every(
    (label) => !Number.isNaN(Date.parse(`${wall}:${second}${label}`)),
  )
  if (date === undefined || !isTime) {
    context.addIssue({ code: 'custom', message: 'not a time' })
    return z.NEVER
  }
  const labelled = offset === undefined ? null : parseInstant(`${wall}:${second}${offset}`)
  return { wall, second: Number(second), labelled }
})

const time = statedTime.nullish().transform((value) => value ?? null)
/** None is written as null, as an empty string or not at all, numbers either way, codes in any case. */
const text = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => (value === undefined || value === null || value === '' ? null : `${value}`))
const code = text.transform((value) => value?.toUpperCase() ?? null)

const pagination = z
  .object({ offset: z.int().min(0), count: z.int().min(0), total: z.int().min(0) })
  .nullish()

const endpoint = z.object({
  timezone: text,
  iata: code,
  icao: code,
  scheduled: time,
  estimated: time,
  actual: time,
  actual_runway: time,
})

const flight = z.object({
  flight_date: text,
  // Not optional and not open: a status that we cannot read must never pass for a harmless one.
  flight_status: z.enum(['scheduled', 'active', 'landed', 'cancelled', 'incident', 'diverted']),
  departure: endpoint,
  arrival: endpoint,
  airline: z.object({ iata: code, icao: code }).nullish(),
  flight: z.object({
    number: text,
    iata: code,
    icao: code,
    codeshared: z
      .object({ airline_iata: code, flight_number: text, flight_iata: code, flight_icao: code })
      .nullish(),
  }),
  aircraft: z.object({ registration: text }).nullish(),
})

const boardTime = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/)
const boardPlace = z.object({ iataCode: code, icaoCode: code, scheduledTime: boardTime })

const futureFlight = z.object({
  departure: boardPlace,
  arrival: boardPlace,
  flight: z.object({ iataNumber: code, icaoNumber: code }),
  codeshared: z.object({ flight: z.object({ iataNumber: code, icaoNumber: code }) }).nullish(),
})

/** `GET /flights`: one page. */
export const statusPage = z.object({ pagination, data: z.array(flight) })
/** `GET /flightsFuture`: one page of an airport's board, wall times without dates. */
export const futurePage = z.object({ pagination, data: z.array(futureFlight) })

export type AviationFlight = z.infer<typeof flight>
export type AviationFutureFlight = z.infer<typeof futureFlight>
