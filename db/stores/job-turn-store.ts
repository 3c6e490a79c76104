/** Whose turn it is, in Postgres. */
import { sql } from 'kysely'

import type { JobTurnStore, TurnRun } from '../../domain/ports/job-turns.ts'
import type { Database } from '../client.ts'

/** No run is open for so long: what was kept of it says nothing any more. */
const KEPT_DAYS = 30

/** Rows removed by one statement. */
const FORGET_ROWS = 100

/** The store over `db`. */
export function createJobTurnStore(db: Database): JobTurnStore {
  return {
    async holder(turnKey) {
      const { rows } = await sql<TurnRun>`
        select t.workflow_id as "workflowId", t.first_run_id as "firstRunId"
        from job_turn t where t.turn_key = ${turnKey}`.execute(db)
      return rows[0] ?? null
    },
    take: (turnKey, run, holder) => take(db, turnKey, run, holder),
  }
}

async function take(
  db: Database,
  turnKey: string,
  run: TurnRun,
  holder: TurnRun | null,
): Promise<boolean> {
  const { rows } = await sql<TurnRun>`
    with gone as (
      delete from job_turn g using (
        select o.turn_key from job_turn o
        where o.taken_at < now() - make_interval(days => ${KEPT_DAYS}::int)
          and o.turn_key <> ${turnKey}
        order by o.turn_key limit ${FORGET_ROWS}) old
      where g.turn_key = old.turn_key)
    insert into job_turn as t (turn_key, workflow_id, first_run_id, taken_at)
    values (${turnKey}, ${run.workflowId}, ${run.firstRunId}, now())
    on conflict (turn_key) do update set workflow_id = excluded.workflow_id,
      first_run_id = excluded.first_run_id, taken_at = now(), updated_at = now()
      where (t.workflow_id, t.first_run_id) in (
        (${holder?.workflowId ?? null}::text, ${holder?.firstRunId ?? null}::text),
        (excluded.workflow_id, excluded.first_run_id))
    returning t.workflow_id as "workflowId", t.first_run_id as "firstRunId"`.execute(db)
  return rows.length === 1
}
