/**
 * Reads which kept runs changed. There is no index of changes: a run that changes is open or has just
 * ended, and both have one.
 */
import { sql } from 'kysely'

import type { ChangeKey, ChangedRun, RunChanges } from '../../domain/ports/run-changes.ts'
import type { ListedRun } from '../../domain/ports/run-store.ts'
import type { Database } from '../client.ts'
import { microsOf, timeOfMicros } from '../keyset.ts'
import { RUN_COLUMNS } from './run-reads.ts'

/** The reader over this database. */
export function createRunChanges(db: Database): RunChanges {
  return {
    nowUs: () => nowUs(db),
    after: (key, limit) => after(db, key, limit),
  }
}

async function nowUs(db: Database): Promise<string> {
  const { rows } = await sql<{ us: string }>`select ${microsOf(sql`now()`)} as us`.execute(db)
  return rows[0]?.us ?? '0'
}

type Row = ListedRun & { readonly micros: string; readonly changedAtUs: string }

async function after(db: Database, key: ChangeKey, limit: number): Promise<ChangedRun[]> {
  const from = timeOfMicros(key.changedAtUs)
  const { rows } = await sql<Row>`
    select ${RUN_COLUMNS}, ${microsOf(sql`r.updated_at`)} as "changedAtUs"
    from (
      select r.* from job_run_kind k join job_run r on r.kind_id = k.id
      where k.status = 'running' and k.runs > 0
      union all
      select r.* from job_run r where r.closed_at >= ${from} - interval '15 minutes') r
    join job_run_kind k on k.id = r.kind_id
    where (r.updated_at, r.run_id) > (${from}, ${key.runId}::uuid)
    order by r.updated_at, r.run_id
    limit ${limit}`.execute(db)
  return rows.map(({ micros: _micros, changedAtUs, ...run }) => ({ changedAtUs, run }))
}
