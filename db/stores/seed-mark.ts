/** Whether a demo's year may be written into a database, and that it was: a setting says so for good. */
import { sql } from 'kysely'

import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** What a database was seeded with. */
export type SeedMark = {
  readonly scale: number
  readonly seed: number
  readonly until: Instant
  /** False while it is under way, and for good when it was broken off. */
  readonly isComplete: boolean
}

/** What speaks against seeding. */
export type SeedHindrances = {
  /** Of an earlier seed; null when there was none. */
  readonly mark: SeedMark | null
  readonly hasPolicies: boolean
  /** Workers that are connected: they would carry on what is half seeded. */
  readonly workers: number
}

/** Setting: what the database was seeded with. */
const DEMO_SEED = 'demo.seed'

/** Reads it. */
export async function readHindrances(db: Database): Promise<SeedHindrances> {
  const { rows } = await sql<SeedHindrances>`
    select (select s.value from setting s where s.key = ${DEMO_SEED}) as mark,
      exists (select from policy) as "hasPolicies",
      (select count(*) from pg_stat_activity a
        where a.datname = current_database() and a.application_name = 'groundstop-worker')
        as workers`.execute(db)
  return rows[0] ?? { mark: null, hasPolicies: false, workers: 0 }
}

/** Claims the database for a seed; false when another one was faster. */
export async function beginSeed(db: Database, mark: SeedMark): Promise<boolean> {
  const { rows } = await sql`
    insert into setting (key, value, updated_by)
    values (${DEMO_SEED}, ${JSON.stringify({ ...mark, isComplete: false })}::jsonb, 'demo seed')
    on conflict (key) do nothing returning key`.execute(db)
  return rows.length > 0
}

/** The seed is complete: the planner learns what is there, and everybody that it is whole. */
export async function endSeed(db: Database): Promise<void> {
  await sql`analyze`.execute(db)
  await sql`
    update setting set value = value || '{"isComplete": true}', updated_at = now()
    where key = ${DEMO_SEED}`.execute(db)
}
