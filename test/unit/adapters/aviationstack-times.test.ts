/** Trap 10: times that are local under the label of UTC. What proves a reading, and what happens without. */
import { describe, expect, test } from 'vitest'
import { parseInstant, parseLocalDate } from '../../../domain/time.ts'
import { matchLeg } from '../../../domain/leg-match.ts'
import { COAST_REFERENCE, page, recordFrom, row, statusFrom } from './aviationstack-fixtures.ts'
import { handClock } from './fixtures.ts'

const LANDED = { flight_status: 'landed' }
/** As it stands when the label is right: 15:00Z to 21:00Z. */
const LABELLED = {
  departure: { scheduled: '2013-02-08T15:00:00+00:00' },
  arrival: { scheduled: '2013-02-08T21:00:00+00:00', actual: '2013-02-08T21:10:00+00:00' },
}
const NO_TIMES = {
  scheduledOut: null,
  scheduledIn: null,
  estimatedOut: null,
  estimatedIn: null,
  actualOut: null,
  actualOff: null,
  actualOn: null,
  actualIn: null,
}

describe('the reading that gives the insured schedule wins', () => {
  test('wall times under a UTC label are read in the zone of each airport', async () => {
    const departure = {
      actual: '2013-02-08T10:10:00+00:00',
      actual_runway: '2013-02-08T10:25:00+00:00',
    }
    const arrival = { actual: '2013-02-08T13:20:00+00:00' }
    const record = await recordFrom(page(row({ ...LANDED, departure, arrival })))
    expect(record).toMatchObject({
      scheduledOut: '2013-02-08T15:00:00.000Z',
      actualOut: '2013-02-08T15:10:00.000Z',
      actualOff: '2013-02-08T15:25:00.000Z',
      scheduledIn: '2013-02-08T21:00:00.000Z',
      actualIn: '2013-02-08T21:20:00.000Z',
      timeReading: 'LOCAL',
    })
    expect(record.isTimeAmbiguous).toBeUndefined()
  })

  test('right labels are believed when they give the schedule', async () => {
    const record = await recordFrom(page(row({ ...LANDED, ...LABELLED })))
    expect(record).toMatchObject({ actualIn: '2013-02-08T21:10:00.000Z', timeReading: 'LABELLED' })
  })

  test('a label with the true offset is a right label', async () => {
    const departure = { scheduled: '2013-02-08T11:00:00-04:00' }
    const arrival = { scheduled: '2013-02-08T13:00:00-08:00' }
    const record = await recordFrom(page(row({ departure, arrival })))
    expect(record).toMatchObject({ timeReading: 'LABELLED' })
  })

  test('a minute off the schedule is proof', async () => {
    const departure = { scheduled: '2013-02-08T10:01:00+00:00' }
    const record = await recordFrom(page(row({ departure })))
    expect(record).toMatchObject({ timeReading: 'LOCAL' })
  })

  test('a minute and a second is none', async () => {
    const departure = { scheduled: '2013-02-08T10:01:01+00:00' }
    const record = await recordFrom(page(row({ departure })))
    expect(record).toMatchObject({ isTimeAmbiguous: true })
  })

  test('a timetable that changed is proof where another source shows the change too', async () => {
    const departure = { scheduled: '2013-02-08T11:15:00+00:00' }
    const arrival = { scheduled: '2013-02-08T14:15:00+00:00' }
    const changedTo = {
      scheduledOut: parseInstant('2013-02-08T16:15:00Z'),
      scheduledIn: parseInstant('2013-02-08T22:15:00Z'),
    }
    const answer = page(row({ departure, arrival }))
    expect(await recordFrom(answer)).toMatchObject({ isTimeAmbiguous: true })
    expect(await recordFrom(answer, { ...COAST_REFERENCE, changedTo })).toMatchObject({
      scheduledIn: '2013-02-08T22:15:00.000Z',
      timeReading: 'LOCAL',
    })
  })

  test('the zone is the row’s, and the airport’s where the row has none', async () => {
    const record = await recordFrom(page(row({ arrival: { timezone: '' } })))
    expect(record).toMatchObject({ scheduledIn: '2013-02-08T21:00:00.000Z' })
    const wrong = await recordFrom(page(row({ arrival: { timezone: 'America/Denver' } })))
    expect(wrong).toMatchObject({ isTimeAmbiguous: true })
  })
})

describe('without proof nothing can be paid or denied', () => {
  const retimed = {
    ...LANDED,
    departure: { scheduled: '2013-02-08T11:00:00+00:00' },
    arrival: { scheduled: '2013-02-08T14:00:00+00:00', actual: '2013-02-08T14:05:00+00:00' },
  }

  test('a record that neither reading fits has no times and says so', async () => {
    const record = await recordFrom(page(row(retimed)))
    expect(record).toMatchObject({ ...NO_TIMES, isTimeAmbiguous: true })
    expect(record.timeReading).toBeUndefined()
    expect(record.arrivalQuality).toBeUndefined()
  })

  test('one end that fits is not enough', async () => {
    const arrival = { scheduled: '2013-02-08T14:00:00+00:00' }
    const record = await recordFrom(page(row({ arrival })))
    expect(record).toMatchObject({ ...NO_TIMES, isTimeAmbiguous: true })
  })

  test.each([{}, { flight_status: 'cancelled' }, { flight_status: 'diverted' }])(
    'such a record is not taken for the leg: %j',
    async (status) => {
      const record = await recordFrom(page(row({ ...retimed, ...status })))
      const watched = {
        ...COAST_REFERENCE,
        originZone: 'America/New_York',
        destinationZone: 'America/Los_Angeles',
      }
      expect(matchLeg(watched, [record], [])).toEqual({ kind: 'none' })
    },
  )

  test('with a reading proven earlier a retimed record is read', async () => {
    const known = { ...COAST_REFERENCE, timeReading: 'LOCAL' as const }
    const record = await recordFrom(page(row(retimed)), known)
    expect(record).toMatchObject({ actualIn: '2013-02-08T22:05:00.000Z', timeReading: 'LOCAL' })
  })

  test('a reading proven earlier that the schedule now refutes is not used', async () => {
    const known = { ...COAST_REFERENCE, timeReading: 'LOCAL' as const }
    const record = await recordFrom(page(row({ ...LANDED, ...LABELLED })), known)
    expect(record).toMatchObject({ ...NO_TIMES, isTimeAmbiguous: true })
  })

  test('rows that prove different readings prove none', async () => {
    const { result } = await statusFrom(page(row(), row({ ...LANDED, ...LABELLED })))
    expect(result).toMatchObject({
      ok: true,
      value: [
        { ...NO_TIMES, isTimeAmbiguous: true },
        { ...NO_TIMES, isTimeAmbiguous: true },
      ],
    })
  })

  test('another day’s row beside ours proves nothing for itself', async () => {
    const other = row({
      flight_date: '2013-02-07',
      departure: { scheduled: '2013-02-07T10:00:00+00:00' },
      arrival: { scheduled: '2013-02-07T13:00:00+00:00' },
    })
    const { result } = await statusFrom(page(other, row()))
    expect(result).toMatchObject({
      ok: true,
      value: [{ isTimeAmbiguous: true }, { timeReading: 'LOCAL' }],
    })
  })
})

describe('nights on which the clocks change', () => {
  /** Scheduled from San Francisco on the evening of 2 November 2013, 21:00 to 06:00 in New York. */
  const night = {
    identity: {
      ...COAST_REFERENCE.identity,
      origin: 'SFO',
      destination: 'JFK',
      originLocalDate: parseLocalDate('2013-11-02'),
    },
    providerIdent: 'B635',
    scheduledOut: parseInstant('2013-11-02T22:00:00Z'),
    scheduledIn: parseInstant('2013-11-03T04:30:00Z'),
  }
  const nightRow = (actual: string) =>
    row({
      ...LANDED,
      flight_date: '2013-11-02',
      departure: {
        iata: 'SFO',
        icao: 'KSFO',
        timezone: 'America/Los_Angeles',
        scheduled: '2013-11-02T15:00:00+00:00',
      },
      arrival: {
        iata: 'JFK',
        icao: 'KJFK',
        timezone: 'America/New_York',
        scheduled: '2013-11-03T00:30:00+00:00',
        actual,
      },
    })

  /** The record's answer at a time when the night is the present. */
  async function nightRecord(actual: string) {
    const clock = handClock('2013-11-03T09:00:00Z')
    const { result } = await statusFrom(page(nightRow(actual)), { clock }, night)
    return result.ok ? result.value[0] : null
  }

  test('an arrival in the hour that was shown twice is not known to the hour', async () => {
    expect(await nightRecord('2013-11-03T01:30:00+00:00')).toMatchObject({ isTimeAmbiguous: true })
  })

  test.each([
    ['a minute before it', '2013-11-03T00:59:00+00:00', '2013-11-03T04:59:00.000Z'],
    ['as it ends', '2013-11-03T02:00:00+00:00', '2013-11-03T07:00:00.000Z'],
  ])('an arrival %s is', async (_, actual, instant) => {
    expect(await nightRecord(actual)).toMatchObject({ actualIn: instant, timeReading: 'LOCAL' })
  })
})

describe('airports on UTC', () => {
  const atUtc = (actual: string) =>
    row({
      ...LANDED,
      departure: { timezone: 'Etc/UTC', scheduled: '2013-02-08T15:00:00+00:00' },
      arrival: { timezone: 'Etc/UTC', scheduled: '2013-02-08T21:00:00+00:00', actual },
    })

  test('both readings are the same, so either will do', async () => {
    const record = await recordFrom(page(atUtc('2013-02-08T21:10:00+00:00')))
    expect(record).toMatchObject({ actualIn: '2013-02-08T21:10:00.000Z', timeReading: 'LOCAL' })
  })

  test('readings that agree on the schedule alone prove nothing', async () => {
    const record = await recordFrom(page(atUtc('2013-02-08T21:10:00+01:00')))
    expect(record).toMatchObject({ ...NO_TIMES, isTimeAmbiguous: true })
  })
})
