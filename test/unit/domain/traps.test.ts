/** Real legs that naive rules get wrong (numbers as in the list of traps), decided by ours. */
import { describe, expect, it } from 'vitest'

import { legKey } from '../../../domain/leg.ts'
import { packLegIdentity, type PackLeg } from '../../../domain/leg-pack.ts'
import { emptyFacts, foldAnswer } from '../../../domain/leg-facts.ts'
import { matchLeg } from '../../../domain/leg-match.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import { addMs, instantFromMs, MINUTE_MS } from '../../../domain/time.ts'
import { instantOfLocal } from '../../../domain/zone.ts'
import { product } from './legs.ts'
import { answerOf, byNumber, dataText, decisionOf, insured, loadPack } from './real-legs.ts'

type EdgeCase = {
  readonly carrier: string
  readonly flight: number
  readonly origin: string
  readonly dest: string
  readonly date: string
  readonly dep_delay: number | null
  readonly arr_delay: number | null
  readonly sched_out: string
  readonly sched_in: string
  readonly actual_in: string | null
}

const PACK = loadPack('nyc2013-h1.legs.txt.gz')
const sameNumber = byNumber(PACK)
const KEYS = new Map(
  PACK.legs.map((leg) => [legKey(packLegIdentity(leg, PACK.zones)), leg] as const),
)
const CASES: Record<string, EdgeCase[]> = JSON.parse(dataText('edge_cases-h1.json'))

function packLegOf(edge: EdgeCase): PackLeg {
  const key = [edge.carrier, edge.flight, edge.origin, edge.dest, edge.date].join('|')
  const leg = KEYS.get(key)
  if (leg === undefined) throw new Error(`the pack has no ${key}`)
  return leg
}

/** By the carrier's own report, with arithmetic of its own. */
function expectedBps({ status, arrivalDelayMin }: PackLeg): number {
  if (status === 'C' || status === 'D') return 10_000
  const delayMin = arrivalDelayMin ?? Number.NaN
  if (delayMin >= 180) return 10_000
  if (delayMin >= 120) return 6_000
  return delayMin >= 45 ? 3_000 : 0
}

function bpsPaid(
  leg: PackLeg,
  records?: (atMs: number) => readonly ProviderLeg[],
): number | string {
  const answer = records ?? ((atMs: number) => answerOf(sameNumber(leg), PACK.zones, atMs))
  const decision = decisionOf(leg, PACK, product('FD45'), answer)
  if (decision.outcome === 'PAY') return decision.bps
  return decision.outcome === 'NO_PAY' ? 0 : decision.outcome
}

describe.each(Object.entries(CASES))('%s', (_, edges) => {
  it.each(edges.map((edge) => [`${edge.carrier} ${edge.flight} ${edge.date}`, edge] as const))(
    '%s pays what the carrier reported',
    (_name, edge) => {
      const leg = packLegOf(edge)
      expect(instantFromMs(leg.scheduledOutMs)).toBe(edge.sched_out.replace('Z', ':00.000Z'))
      expect(instantFromMs(leg.scheduledInMs)).toBe(edge.sched_in.replace('Z', ':00.000Z'))
      expect(leg.arrivalDelayMin).toBe(edge.arr_delay ?? leg.arrivalDelayMin)
      expect(bpsPaid(leg)).toBe(expectedBps(leg))
    },
  )
})

function legAt(key: string): PackLeg {
  const leg = KEYS.get(key)
  if (leg === undefined) throw new Error(`the pack has no ${key}`)
  return leg
}

/** A provider's answers with something done to every record. */
function tampered(leg: PackLeg, change: (record: ProviderLeg, atMs: number) => ProviderLeg) {
  return (atMs: number) =>
    answerOf(sameNumber(leg), PACK.zones, atMs).map((record) => change(record, atMs))
}

const same = (record: ProviderLeg) => record

/** What a record of an arrival would say so many minutes later. */
function laterBy(minutes: number, { actualOn, actualIn }: ProviderLeg): Partial<ProviderLeg> {
  const later = (at: ProviderLeg['actualIn']) =>
    at === null ? null : addMs(at, minutes * MINUTE_MS)
  return { actualOn: later(actualOn), actualIn: later(actualIn) }
}

const ON_TIME = legAt('B6|699|JFK|SJU|2013-01-04')

describe('traps', () => {
  it('trap 1: two routes of one number on one day are two legs', () => {
    const keys = ['WN|2269|LGA|STL|2013-06-08', 'WN|2269|EWR|DEN|2013-06-08']
    for (const key of keys) expect(bpsPaid(legAt(key))).toBe(expectedBps(legAt(key)))
    // Retimed to the very minute of the leg, the other route is still another leg.
    const other = tampered(ON_TIME, (record) => ({
      ...record,
      providerFlightId: null,
      origin: 'EWR',
      destination: 'DEN',
      ...laterBy(200, record),
    }))
    const answers = (atMs: number) => [...other(atMs), ...tampered(ON_TIME, same)(atMs)]
    expect(bpsPaid(ON_TIME, answers)).toBe(0)
  })

  it('trap 2: the first record of an answer is another day', () => {
    const leg = legAt('B6|35|JFK|PBI|2013-03-09')
    const records = answerOf(sameNumber(leg), PACK.zones, leg.scheduledOutMs)
    expect(records[0]?.scheduledOut).not.toBe(instantFromMs(leg.scheduledOutMs))
    expect(bpsPaid(leg)).toBe(3_000)
  })

  it('trap 3: two dates of a number fall on one UTC date', () => {
    const evening = legAt('B6|699|JFK|SJU|2013-01-02')
    const nextDay = legAt('B6|699|JFK|SJU|2013-01-03')
    const utcDate = (leg: PackLeg) => instantFromMs(leg.scheduledOutMs).slice(0, 10)
    expect(utcDate(evening)).toBe(utcDate(nextDay))
    const other = (leg: PackLeg, delayMin: number): PackLeg => ({
      ...leg,
      arrivalDelayMin: delayMin,
    })
    const answers = (atMs: number) =>
      answerOf([other(evening, 10), other(nextDay, 200)], PACK.zones, atMs)
    expect(bpsPaid(evening, answers)).toBe(0)
    expect(bpsPaid(nextDay, answers)).toBe(10_000)
    // Where only the next day's flight is shown, nothing is known of the evening's.
    const shown = answerOf([nextDay], PACK.zones, nextDay.scheduledInMs)
    expect(matchLeg(insured(evening, PACK.zones), shown, [])).toEqual({ kind: 'none' })
  })

  it('trap 4: a departure on the next local day belongs to its scheduled date', () => {
    const leg = legAt('MQ|3944|JFK|BWI|2013-01-01')
    const outMs = leg.scheduledOutMs + (leg.departureDelayMin ?? 0) * MINUTE_MS
    // 08:48 on the clock: joined to the scheduled date it is nine hours early.
    expect(instantOfLocal('2013-01-02T08:48', 'America/New_York')).toBe(instantFromMs(outMs))
    expect(outMs - leg.scheduledOutMs).toBe(853 * MINUTE_MS)
    expect(bpsPaid(leg)).toBe(10_000)
  })

  it('trap 5: clocks are never subtracted: 15:30 to 12:42 is 21 hours late', () => {
    const leg = legAt('HA|51|JFK|HNL|2013-01-09')
    const wrappedMin = 12 * 60 + 42 - (15 * 60 + 30)
    expect(wrappedMin).toBeLessThan(0)
    expect(leg.arrivalDelayMin).toBe(1_272)
    expect(bpsPaid(leg)).toBe(10_000)
  })

  it('trap 6: midnight is the first minute of the next day', () => {
    const leg = legAt('B6|1109|JFK|RDU|2013-01-01')
    const inMs = leg.scheduledInMs + (leg.arrivalDelayMin ?? 0) * MINUTE_MS
    expect(instantOfLocal('2013-01-02T00:00', 'America/New_York')).toBe(instantFromMs(inMs))
    expect(instantOfLocal('2013-01-01T24:00', 'America/New_York')).toBe(instantFromMs(inMs))
    expect(bpsPaid(leg)).toBe(0)
  })

  it('trap 7: a clock time that did not exist is the later instant', () => {
    expect(instantOfLocal('2013-03-10T02:03', 'America/New_York')).toBe('2013-03-10T07:03:00.000Z')
  })

  it('trap 8: a flight across a change of clocks is read in the zone of each end', () => {
    const leg = legAt('B6|727|JFK|BQN|2013-03-09')
    const { originZone, destinationZone } = insured(leg, PACK.zones)
    expect(instantOfLocal('2013-03-09T23:59', originZone)).toBe(instantFromMs(leg.scheduledOutMs))
    expect(instantOfLocal('2013-03-10T04:38', destinationZone)).toBe(
      instantFromMs(leg.scheduledInMs),
    )
    expect(bpsPaid(leg)).toBe(0)
  })

  it.each([
    ['PHX', '19:00'],
    ['HNL', '22:00'],
    ['SJU', '16:00'],
  ])('trap 9: noon at %s is %s UTC in summer as in winter', (airport, utc) => {
    const zone = PACK.zones[airport] ?? ''
    expect(instantOfLocal('2013-01-15T12:00', zone)).toBe(`2013-01-15T${utc}:00.000Z`)
    expect(instantOfLocal('2013-06-15T12:00', zone)).toBe(`2013-06-15T${utc}:00.000Z`)
  })

  it('trap 12: an estimate is no arrival', () => {
    const late = legAt('HA|51|JFK|HNL|2013-01-09')
    const answers = tampered(late, (record) => ({ ...record, actualOn: null, actualIn: null }))
    expect(bpsPaid(late, answers)).toBe('REVIEW')
  })

  it('trap 13: a code share of the same flight is left out', () => {
    const answers = (atMs: number) =>
      tampered(
        ON_TIME,
        same,
      )(atMs).flatMap((record) => [
        { ...record, carrier: 'QF', flightNumber: '3101', ...laterBy(200, record) },
        record,
      ])
    expect(bpsPaid(ON_TIME, answers)).toBe(0)
  })

  it('trap 14: diverted, then continued, pays by the arrival at its own destination', () => {
    const leg = legAt('MQ|4413|LGA|XNA|2013-02-07')
    expect(leg).toMatchObject({ status: 'R', arrivalDelayMin: 40 })
    expect(bpsPaid(leg)).toBe(0)
    // Without the onward record the same flight never came, and pays in full a day later.
    const noOnward = (atMs: number) =>
      answerOf([leg], PACK.zones, atMs).filter((record) => record.origin === leg.origin)
    expect(bpsPaid(leg, noOnward)).toBe(10_000)
  })

  it('trap 15: left the gate and never arrived pays in full, whichever way it ended', () => {
    const edges = CASES['left_gate_never_arrived'] ?? []
    expect(edges.length).toBeGreaterThan(2)
    for (const edge of edges) expect(bpsPaid(packLegOf(edge))).toBe(10_000)
  })

  it('trap 16: cancelled and reinstated pays by its arrival', () => {
    const answers = tampered(ON_TIME, (record, atMs) => ({
      ...record,
      cancelled: atMs < ON_TIME.scheduledOutMs - 90 * MINUTE_MS,
    }))
    expect(bpsPaid(ON_TIME, answers)).toBe(0)
  })

  it('trap 17: a row that vanishes is no cancellation', () => {
    expect(bpsPaid(ON_TIME, () => [])).toBe('REVIEW')
  })

  it('trap 18: a cancellation two days ahead is seen and paid', () => {
    const answers = tampered(ON_TIME, (record) => ({
      ...record,
      actualOut: null,
      actualOff: null,
      actualOn: null,
      actualIn: null,
      cancelled: true,
    }))
    expect(bpsPaid(ON_TIME, answers)).toBe(10_000)
  })

  it('trap 19: data that come eight hours late decide as if they had come in time', () => {
    const honest = tampered(ON_TIME, (record) => record)
    expect(bpsPaid(ON_TIME, (atMs) => honest(atMs - 480 * MINUTE_MS))).toBe(0)
  })

  it('trap 20: old snapshots between fresh ones change nothing', () => {
    const honest = tampered(ON_TIME, (record) => record)
    let polls = 0
    const answers = (atMs: number) => {
      polls += 1
      return honest(polls % 3 === 0 ? atMs - 120 * MINUTE_MS : atMs)
    }
    expect(bpsPaid(ON_TIME, answers)).toBe(0)
  })

  it('trap 21: answers that come twice and out of order change nothing', () => {
    const leg = insured(ON_TIME, PACK.zones)
    const moments = [-120, 20, 60, 150, 240, 300].map(
      (minute) => ON_TIME.scheduledOutMs + minute * MINUTE_MS,
    )
    const facts = (order: readonly number[]) =>
      order.reduce(
        (known, atMs) =>
          foldAnswer(known, leg, answerOf([ON_TIME], PACK.zones, atMs), instantFromMs(atMs)).facts,
        emptyFacts(),
      )
    const inOrder = facts(moments)
    const [first = 0, second = 0, third = 0, ...rest] = moments
    expect(facts([first, third, second, third, first, ...rest, ...rest, third, second])).toEqual(
      inOrder,
    )
    expect(inOrder.arrival).not.toBeNull()
  })

  it('trap 24: a leg without tail, carrier and number in its record is decided all the same', () => {
    const answers = (atMs: number) =>
      answerOf([ON_TIME], PACK.zones, atMs).map((record) => ({
        ...record,
        registration: null,
        carrier: null,
        flightNumber: null,
      }))
    expect(bpsPaid(ON_TIME, answers)).toBe(0)
  })

  it('trap 25: whose aircraft it is decides nothing while nobody says that it was diverted', () => {
    const departsMs = ON_TIME.scheduledOutMs + 300 * MINUTE_MS
    const arrivesMs = ON_TIME.scheduledInMs + 300 * MINUTE_MS
    const answers = (atMs: number) =>
      tampered(
        ON_TIME,
        (record) => record,
      )(atMs).flatMap((record) => [
        record,
        // The same aircraft under the same number, from elsewhere, five hours later.
        {
          ...record,
          origin: 'MCO',
          scheduledOut: instantFromMs(departsMs),
          estimatedOut: null,
          actualOut: null,
          actualOff: null,
          actualOn: null,
          actualIn: atMs < arrivesMs ? null : instantFromMs(arrivesMs),
        },
      ])
    expect(bpsPaid(ON_TIME, answers)).toBe(0)
  })

  it('trap 26: a leg 21 hours late is waited for', () => {
    expect(bpsPaid(legAt('HA|51|JFK|HNL|2013-01-09'))).toBe(10_000)
  })

  it('trap 27: a retime after bind is a delay: the insured arrival stays', () => {
    const twoHours = 120 * MINUTE_MS
    const answers = tampered(ON_TIME, (record) => {
      const move = (key: keyof ProviderLeg) => {
        const at = record[key]
        return typeof at === 'string' && key !== 'carrier'
          ? addMs(instantFromMs(Date.parse(at)), twoHours)
          : null
      }
      return {
        ...record,
        scheduledOut: move('scheduledOut'),
        scheduledIn: move('scheduledIn'),
        actualOut: move('actualOut'),
        actualOff: move('actualOff'),
        actualOn: move('actualOn'),
        actualIn: move('actualIn'),
        estimatedOut: null,
        estimatedIn: null,
      }
    })
    const delayMin = 120 + (ON_TIME.arrivalDelayMin ?? 0)
    expect(delayMin).toBeGreaterThan(45)
    const ahead = (atMs: number) => answers(atMs - twoHours)
    expect(bpsPaid(ON_TIME, ahead)).toBe(delayMin >= 120 ? 6_000 : 3_000)
  })
})

describe('a sample of the half year, decided among all records of its number', () => {
  it('pays what the oracle says', () => {
    const sample = PACK.legs.filter(
      (leg, i) => i % 997 === 0 || (leg.status === 'R' && i % 7 === 0),
    )
    for (const leg of sample) {
      const key = legKey(packLegIdentity(leg, PACK.zones))
      expect(`${key}=${bpsPaid(leg)}`).toBe(`${key}=${expectedBps(leg)}`)
    }
  })
})
