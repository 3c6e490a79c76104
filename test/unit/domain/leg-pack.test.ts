import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  cutLegPack,
  formatLegPack,
  LegPackError,
  packLegIdentity,
  parseLegPack,
  type PackLeg,
} from '../../../domain/leg-pack.ts'
import { MINUTE_MS, parseLocalDate } from '../../../domain/time.ts'
import { dataText, loadPack } from './real-legs.ts'

const HEADER =
  '{"format":"legs/1","n":2,"epoch":"2013-01-01T00:00:00Z","columns":["dm","ca","fn","og","de","sb","st","dd","ad","tn"],"tz":{"JFK":"America/New_York","PBI":"America/New_York"},"source":"somewhere"}'
const LINES = [
  '600,60',
  'B6,9E',
  '35,7',
  'JFK,JFK',
  'PBI,PBI',
  '180,170',
  'A,C',
  '5,',
  '-3,',
  'N1,',
]

function packText(change: (lines: string[]) => string[] = (lines) => lines): string {
  return [HEADER, ...change([...LINES]), ''].join('\n')
}

/** The pack with one column replaced. */
function withColumn(index: number, line: string): string {
  return packText((lines) => lines.with(index, line))
}

describe('a leg pack', () => {
  it('is read', () => {
    const { legs, zones, notes } = parseLegPack(packText())
    expect(legs).toEqual([
      {
        carrier: 'B6',
        flightNumber: '35',
        origin: 'JFK',
        destination: 'PBI',
        scheduledOutMs: Date.parse('2013-01-01T10:00:00Z'),
        scheduledInMs: Date.parse('2013-01-01T13:00:00Z'),
        status: 'A',
        departureDelayMin: 5,
        arrivalDelayMin: -3,
        tailNumber: 'N1',
      },
      expect.objectContaining({
        scheduledOutMs: Date.parse('2013-01-01T11:00:00Z'),
        status: 'C',
        departureDelayMin: null,
        arrivalDelayMin: null,
        tailNumber: null,
      }),
    ])
    expect(zones).toEqual({ JFK: 'America/New_York', PBI: 'America/New_York' })
    expect(notes).toEqual({ source: 'somewhere' })
  })

  it('of the half year is written back byte for byte', () => {
    const text = dataText('nyc2013-h1.legs.txt.gz')
    const pack = parseLegPack(text)
    expect(pack.legs).toHaveLength(166_158)
    expect(formatLegPack(pack) === text).toBe(true)
  })

  it('survives writing and reading', () => {
    const legs: fc.Arbitrary<PackLeg> = fc
      .record({
        out: fc.integer({ min: -1e6, max: 1e6 }),
        block: fc.integer({ min: 1, max: 2_000 }),
        status: fc.constantFrom('A', 'C', 'R', 'D'),
        delay: fc.integer({ min: -90, max: 1_500 }),
        tail: fc.option(fc.constantFrom('N1', 'N2XX')),
      })
      .map(({ out, block, status, delay, tail }) => {
        const scheduledOutMs = Date.parse('2013-06-01T00:00:00Z') + out * MINUTE_MS
        const hasArrived = status === 'A' || status === 'R'
        return {
          carrier: 'B6',
          flightNumber: '35',
          origin: 'JFK',
          destination: 'PBI',
          scheduledOutMs,
          scheduledInMs: scheduledOutMs + block * MINUTE_MS,
          status,
          departureDelayMin: status === 'C' ? null : delay,
          arrivalDelayMin: hasArrived ? delay : null,
          tailNumber: tail,
        }
      })
    const { zones, notes } = parseLegPack(packText())
    fc.assert(
      fc.property(fc.array(legs, { maxLength: 20 }), (some) => {
        const pack = { legs: some, zones, notes }
        expect(parseLegPack(formatLegPack(pack))).toEqual(pack)
      }),
    )
  })

  it.each([
    ['', 'not JSON'],
    ['[]', 'lacks "format":"legs/1"'],
    ['{"format":"legs/2"}', 'lacks "format":"legs/1"'],
    ['{"format":"legs/1","epoch":"never"}', 'epoch'],
    ['{"format":"legs/1","epoch":"2013-01-01T00:00:00Z"}', 'columns'],
    ['{"format":"legs/1","epoch":"2013-01-01T00:00:00Z","columns":[]}', 'tz'],
    [HEADER, 'no column dm'],
    [[HEADER, ...LINES.slice(0, 9)].join('\n'), 'no column tn'],
    [HEADER.replace('America/New_York', 'Mars/Olympus'), 'JFK has the unknown zone Mars/Olympus'],
    [withColumn(0, '600,x'), 'column dm, row 2 is not a whole number: "x"'],
    [withColumn(1, 'B6'), 'column ca has 1 rows, column dm has 2'],
    [withColumn(1, 'B6,jetblue'), 'column ca, row 2 is not valid: "jetblue"'],
    [withColumn(2, '035,7'), 'column fn, row 1 is not valid: "035"'],
    [withColumn(3, 'JFK,XXX'), 'column og, row 2 has no zone: "XXX"'],
    [withColumn(5, '180,0'), 'column sb, row 2 is not a positive block time'],
    [withColumn(6, 'A,Q'), 'column st, row 2 is not valid: "Q"'],
    [withColumn(8, ','), 'column ad, row 1 does not go with status A'],
    [withColumn(8, '-3,5'), 'column ad, row 2 does not go with status C'],
  ])('is refused with a reason: %#', (text, reason) => {
    expect(() => parseLegPack(text)).toThrow(LegPackError)
    expect(() => parseLegPack(text)).toThrow(reason)
  })

  it('is cut by origin-local date, both ends included', () => {
    const pack = loadPack('nyc2013-03-dst.legs.txt.gz')
    const cut = cutLegPack(pack, parseLocalDate('2013-03-09'), parseLocalDate('2013-03-10'))
    const dates = new Set(cut.legs.map((leg) => packLegIdentity(leg, pack.zones).originLocalDate))
    expect([...dates]).toEqual(['2013-03-09', '2013-03-10'])
    const utcDates = new Set(cut.legs.map((leg) => new Date(leg.scheduledOutMs).getUTCDate()))
    expect([...utcDates]).toEqual([9, 10, 11])
  })

  it.each([
    ['nyc2013-02-storm.legs.txt.gz', '2013-02-04', '2013-02-17'],
    ['nyc2013-03-dst.legs.txt.gz', '2013-03-04', '2013-03-17'],
  ])('%s is the half year cut from %s to %s', (name, from, to) => {
    const cut = cutLegPack(
      loadPack('nyc2013-h1.legs.txt.gz'),
      parseLocalDate(from),
      parseLocalDate(to),
    )
    expect(dataText(name) === formatLegPack(cut)).toBe(true)
  })
})
