/** Places of runs whose job has limits, in Postgres. Who grants holds the job's row of `job_gate`. */
import { sql, type Transaction } from 'kysely'

import type { LimitsInForce } from '../../domain/job-limits.ts'
import type {
  AskedPlace,
  JobPlaces,
  PlacedRun,
  PlaceRequest,
  ShownPlace,
} from '../../domain/ports/job-places.ts'
import type { Database } from '../client.ts'
import type { DB } from '../types.generated.ts'

/** Places granted by one statement: more than any limit lets free at once in practice. */
const GRANTS_AT_ONCE = 100

/**
 * A place is granted at most this long before its run may begin by the rate: long enough for the run to
 * hear of it, short enough for an urgent run that comes later to be next.
 */
const GRANTED_AHEAD_MS = 2_000

const UNSEEN_AT_ONCE = 20
const LISTED_AT_MOST = 200

/** The places over `db`. */
export function createJobPlaces(db: Database): JobPlaces {
  return {
    ask: (request, limits) =>
      db.transaction().execute(async (trx) => {
        await holdGate(trx, request.job)
        await insertRequest(trx, request)
        const granted = await grant(trx, request.job, limits)
        const place = await readPlace(trx, request, limits)
        return { place, granted: granted.filter(({ runId }) => runId !== request.runId) }
      }),
    release: (job, runId, limits) =>
      db.transaction().execute(async (trx) => {
        await holdGate(trx, job)
        await sql`delete from job_place where run_id = ${runId}`.execute(trx)
        return grant(trx, job, limits)
      }),
    async listUnseen(job, heldForMs, waitingForMs) {
      const { rows } = await sql<PlacedRun>`
        select workflow_id as "workflowId", run_id as "runId" from job_place
        where job = ${job} and seen_at < now() - interval '1 millisecond'
          * case when granted_at is null then ${waitingForMs}::float else ${heldForMs}::float end
        order by granted_at nulls last, seq limit ${UNSEEN_AT_ONCE}`.execute(db)
      return rows
    },
    async markSeen(runIds) {
      await sql`
        update job_place set seen_at = now(), updated_at = now()
        where run_id = any(${runIds}::text[])`.execute(db)
    },
    async list() {
      const { rows } = await sql<ShownPlace>`
        select job, workflow_id as "workflowId", run_id as "runId", priority,
          created_at as "askedAt", granted_at as "grantedAt"
        from job_place
        order by job, granted_at nulls last, priority, seq limit ${LISTED_AT_MOST}`.execute(db)
      return rows
    },
  }
}

/** Until the transaction ends nobody else grants places of the job. */
async function holdGate(trx: Transaction<DB>, job: string): Promise<void> {
  await sql`
    insert into job_gate (job) values (${job})
    on conflict (job) do update set updated_at = now()`.execute(trx)
}

async function insertRequest(trx: Transaction<DB>, request: PlaceRequest): Promise<void> {
  const { job, runId, workflowId, priority } = request
  await sql`
    insert into job_place (run_id, workflow_id, job, priority)
    values (${runId}, ${workflowId}, ${job}, ${priority})
    on conflict (run_id) do update
    set seen_at = statement_timestamp(), updated_at = statement_timestamp()`.execute(trx)
}

/** Gives free places to those who wait, most urgent first, then who asked first. */
async function grant(
  trx: Transaction<DB>,
  job: string,
  { concurrent, startEveryMs }: LimitsInForce,
): Promise<PlacedRun[]> {
  // The statement begins after the gate is held; the transaction may have begun long before.
  const { rows } = await sql<PlacedRun>`
    with waiting as (
      select run_id, row_number() over (order by priority, seq) as nth
      from job_place where job = ${job} and granted_at is null
      order by priority, seq limit ${GRANTS_AT_ONCE}
    ), due as (
      select w.run_id,
        case when ${startEveryMs}::float is null then statement_timestamp()
          else greatest(g.next_start_at, statement_timestamp())
            + (w.nth - 1) * ${startEveryMs}::float * interval '1 millisecond' end as starts_at
      from waiting w
      cross join (select next_start_at from job_gate where job = ${job}) g
      cross join (
        select count(*) as n from job_place where job = ${job} and granted_at is not null
      ) held
      where ${concurrent}::bigint is null or w.nth <= ${concurrent}::bigint - held.n
    ), granted as (
      update job_place p
      set granted_at = statement_timestamp(), starts_at = due.starts_at,
        updated_at = statement_timestamp()
      from due
      where p.run_id = due.run_id
        and due.starts_at <= statement_timestamp() + ${GRANTED_AHEAD_MS} * interval '1 millisecond'
      returning p.run_id, p.workflow_id, p.starts_at
    ), moved as (
      update job_gate
      set next_start_at = (select max(starts_at) from granted)
        + ${startEveryMs ?? 0}::float * interval '1 millisecond'
      where job = ${job} and exists (select from granted)
    )
    select workflow_id as "workflowId", run_id as "runId" from granted`.execute(trx)
  return rows
}

async function readPlace(
  trx: Transaction<DB>,
  { job, runId }: PlaceRequest,
  { startEveryMs }: LimitsInForce,
): Promise<AskedPlace> {
  const { rows } = await sql<{
    isGranted: boolean
    startInMs: number | null
    nextInMs: number
    ahead: number
    held: number
  }>`
    select p.granted_at is not null as "isGranted",
      extract(epoch from p.starts_at - statement_timestamp())::float * 1000 as "startInMs",
      extract(epoch from g.next_start_at - statement_timestamp())::float * 1000 as "nextInMs",
      (select count(*) from job_place o where o.job = p.job and o.granted_at is null
        and (o.priority, o.seq) < (p.priority, p.seq)) as ahead,
      (select count(*) from job_place o where o.job = p.job and o.granted_at is not null) as held
    from job_place p join job_gate g on g.job = p.job
    where p.run_id = ${runId} and p.job = ${job}`.execute(trx)
  const [row] = rows
  if (row === undefined) throw new Error(`run ${runId} has asked, and has no row`)
  const { isGranted, startInMs, nextInMs, ahead, held } = row
  if (isGranted) return { isGranted, startInMs: Math.max(0, Math.ceil(startInMs ?? 0)) }
  const turnInMs =
    startEveryMs === null ? null : Math.ceil(Math.max(0, nextInMs) + ahead * startEveryMs)
  return { isGranted, ahead, held, turnInMs }
}
