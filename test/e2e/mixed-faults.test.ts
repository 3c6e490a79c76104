/** Half a day of the storm with flight data that fails in every way at once. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { PROFILES } from '../../acceptance/fault-profiles.ts'
import { ORACLE_PRODUCTS } from '../../acceptance/oracle/leg-oracle.ts'
import { runAcceptance, type RunFigures } from '../../acceptance/run.ts'
import { readLegPackFile, writeLegPackFile } from '../../cli/flights/leg-pack-file.ts'

const FLIGHTS = 'data/nyc2013-02-storm.legs.txt.gz'
/** From the first departures of the 8th to noon in New York; the snow sets in at nine. */
const UNTIL_MS = Date.parse('2013-02-08T17:00:00Z')
const MINUTE_MS = 60_000

let folder: string
let figures: RunFigures

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-mixed-'))
  const flights = join(folder, 'half-day.legs.txt.gz')
  const pack = await readLegPackFile(FLIGHTS)
  const legs = pack.legs.filter(({ scheduledOutMs }) => scheduledOutMs < UNTIL_MS)
  await writeLegPackFile(flights, { ...pack, legs })
  const profile = PROFILES.get('mixed')
  if (profile === undefined) throw new Error('there is no such profile')
  figures = await runAcceptance(
    {
      flights,
      from: '2013-02-08',
      days: 1,
      products: ORACLE_PRODUCTS,
      policiesPerLeg: 3,
      share: 1,
      seed: 8,
      profile,
      minStepMs: 20 * MINUTE_MS,
      sources: 2,
    },
    () => undefined,
    new AbortController().signal,
  )
}, 400_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

it('was a half day of many legs, of which many had no answer at times', () => {
  expect(figures.legs).toBeGreaterThan(300)
  expect(figures.stepped.failedPolls).toBeGreaterThan(figures.legs / 10)
})

it('pays nobody falsely and denies nobody falsely', () => {
  expect(figures.shown).toEqual([])
  expect(figures.judgement.counts).toMatchObject({ falsePay: 0, falseDenial: 0, undecided: 0 })
  expect(figures.judgement.counts.right).toBeGreaterThan(0.98 * figures.policies)
})

it('moves the money of every payout once, and leaves books that hold', () => {
  expect(figures.transfers).toBeGreaterThan(50)
  expect(figures.broken).toEqual([])
})
