/** The activities of this pack. They read by the API, as whoever their token is. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { DAY_MS, type PackServices } from 'groundstop/pack'
import { z } from 'zod'

import type { DelayedAirportsResult } from '../jobs/registry.ts'

/** `PACK_DELAY_LISTS_API_URL`, `_API_TOKEN` and `_FOLDER`. */
export const settings = z.strictObject({
  API_URL: z.url('must be the address of the API'),
  API_TOKEN: z.string().optional(),
  FOLDER: z.string('must be a folder').min(1),
})

const page = z.object({
  items: z.array(z.object({ legKey: z.string(), seq: z.int() })),
  nextCursor: z.string().nullable(),
})
const leg = z.object({
  destination: z.string(),
  evaluations: z.array(z.object({ delayMin: z.number().nullable() })),
})

/** Legs of one day; more are a mistake. */
const LEGS_AT_MOST = 10_000

/** Types of the activities, for `proxyActivities`. */
export type DelayListActivities = {
  /** Writes the list of a day over the one that is there; without a date, of yesterday. */
  writeDelayedAirports(of: {
    readonly date?: string | undefined
    readonly top: number
  }): Promise<DelayedAirportsResult>
}

/** The activities, by name. */
export function createActivities({
  clock,
  log,
  startHeartbeats,
  settings: { API_URL, API_TOKEN, FOLDER },
}: PackServices<z.output<typeof settings>>): DelayListActivities {
  async function read<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const headers = API_TOKEN === undefined ? {} : { authorization: `Bearer ${API_TOKEN}` }
    const answer = await fetch(new URL(path, API_URL), { headers, signal })
    if (!answer.ok) throw new Error(`${path}: the API answered ${answer.status}`)
    return shape.parse(await answer.json())
  }

  return {
    async writeDelayedAirports(of) {
      using heartbeats = startHeartbeats()
      const yesterday = new Date(Date.parse(await clock.now()) - DAY_MS)
      const date = of.date ?? yesterday.toISOString().slice(0, 10)
      const delays = new Map<string, number[]>()
      let [legs, cursor]: [number, string | null] = [0, '']
      while (cursor !== null && legs < LEGS_AT_MOST) {
        const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const path = `/api/legs?departureDate=${date}&limit=100${from}`
        const { items, nextCursor } = await read(path, page, heartbeats.signal)
        for (const { legKey, seq } of items) {
          const one = `/api/legs/${encodeURIComponent(legKey)}?seq=${seq}`
          const { destination, evaluations } = await read(one, leg, heartbeats.signal)
          const delayMin = evaluations[0]?.delayMin ?? null
          if (delayMin === null) continue
          delays.set(destination, [...(delays.get(destination) ?? []), delayMin])
          legs += 1
          heartbeats.onProgress(legs, legs)
        }
        cursor = nextCursor
      }
      const lines = [...delays]
        .map(([airport, all]) => ({ airport, all, mean: all.reduce((a, b) => a + b) / all.length }))
        .toSorted((a, b) => b.mean - a.mean || (a.airport < b.airport ? -1 : 1))
        .slice(0, of.top)
        .map(({ airport, all, mean }) => `${airport},${all.length},${mean.toFixed(1)}`)
      const file = join(FOLDER, `delayed-airports-${date}.csv`)
      await mkdir(FOLDER, { recursive: true })
      // Written aside and renamed: nobody reads half a list.
      await writeFile(`${file}.draft`, `${['airport,legs,mean_delay_min', ...lines].join('\n')}\n`)
      await rename(`${file}.draft`, file)
      log.info({ date, legs, airports: lines.length }, 'delayed-airports-written')
      return { date, legs, airports: lines.length, file }
    },
  }
}
