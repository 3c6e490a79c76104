/**
 * The virtual clock's row. All arithmetic happens in the database on its own wall clock, so that
 * processes on several machines agree. No row: the product runs on wall time.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'

import type { ClockReading } from '../../domain/ports/clock.ts'
import type { Instant } from '../../domain/time.ts'
import { instantFromMs } from '../../domain/time.ts'

/** Reads and moves the virtual clock's row. */
export interface ClockStore {
  /** The virtual time now; null without a row. */
  read(): Promise<ClockReading | null>
  /** Sets time and speed, making the row when there is none. What is left out stays as it is. */
  set(change: { readonly now?: Instant; readonly speed?: number }): Promise<ClockReading>
  /** Writes the running time down, so that a restart goes on from here. Does nothing without a row. */
  beat(): Promise<void>
  /** Stops the time and remembers its speed for `release`. Repeating changes nothing. */
  freeze(): Promise<void>
  /**
   * After a stop or a kill: goes back to the last beat as if the time since then had not been, and
   * holds the time there; never before what was already polled or decided. Null without a row.
   */
  hold(): Promise<ClockReading | null>
  /** Lets a held or frozen time run on, at `speed` or else as it did. Null without a row. */
  release(speed?: number): Promise<ClockReading | null>
}

type Row = { now_ms: number; speed: number }

const RESUME_SPEED = 'clock.resume_speed'

const VIRTUAL_NOW = sql`virtual_clock.virtual_anchor
  + (clock_timestamp() - virtual_clock.wall_anchor) * virtual_clock.speed`
const READING = sql`
  extract(epoch from date_trunc('milliseconds', ${VIRTUAL_NOW}))::double precision * 1000 as now_ms,
  virtual_clock.speed`

// A stopped clock keeps what an earlier stop remembered.
const KEEP_SPEED = sql`
  moving as (select speed from virtual_clock where speed > 0),
  kept as (
    insert into setting (key, value, updated_by)
    select ${RESUME_SPEED}, to_jsonb(speed), 'groundstop start' from moving
    on conflict (key) do update set value = excluded.value, updated_by = excluded.updated_by,
      updated_at = now())`

/** The store over any database with the product's schema. */
export function createClockStore<Tables>(db: Kysely<Tables>): ClockStore {
  const one = async (query: ReturnType<typeof sql<Row>>): Promise<ClockReading | null> => {
    const { rows } = await query.execute(db)
    return rows[0] === undefined ? null : readingOf(rows[0])
  }
  return {
    read: async () => one(sql<Row>`select ${READING} from virtual_clock`),
    async set({ now, speed }) {
      const reading = await one(sql<Row>`
        insert into virtual_clock (virtual_anchor, wall_anchor, speed)
        values (coalesce(${now ?? null}::timestamptz, clock_timestamp()), clock_timestamp(),
                coalesce(${speed ?? null}::double precision, 1))
        on conflict (is_only_row) do update set
          virtual_anchor = coalesce(${now ?? null}::timestamptz, ${VIRTUAL_NOW}),
          wall_anchor = clock_timestamp(),
          speed = coalesce(${speed ?? null}::double precision, virtual_clock.speed),
          updated_at = now()
        returning ${READING}`)
      if (reading === null) throw new Error('the virtual clock has no row after it was set')
      return reading
    },
    async beat() {
      await sql`
        update virtual_clock set virtual_anchor = ${VIRTUAL_NOW}, wall_anchor = clock_timestamp(),
          updated_at = now()`.execute(db)
    },
    async freeze() {
      await sql`
        with ${KEEP_SPEED}
        update virtual_clock set virtual_anchor = ${VIRTUAL_NOW}, wall_anchor = clock_timestamp(),
          speed = 0, updated_at = now()`.execute(db)
    },
    hold: async () =>
      one(sql<Row>`
        with ${KEEP_SPEED}
        update virtual_clock set
          virtual_anchor = greatest(virtual_anchor,
            (select max(last_polled_at) from flight_leg),
            (select max(decided_at) from policy)),
          wall_anchor = clock_timestamp(), speed = 0, updated_at = now()
        returning ${READING}`),
    release: async (speed) =>
      one(sql<Row>`
        with kept as (delete from setting where key = ${RESUME_SPEED} returning value::text as speed)
        update virtual_clock set
          virtual_anchor = ${VIRTUAL_NOW}, wall_anchor = clock_timestamp(),
          speed = coalesce(${speed ?? null}::double precision,
            (select kept.speed::double precision from kept), virtual_clock.speed),
          updated_at = now()
        returning ${READING}`),
  }
}

function readingOf(row: Row): ClockReading {
  return { now: instantFromMs(Math.round(row.now_ms)), speed: row.speed }
}
