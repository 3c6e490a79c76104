/** Dead letters in Postgres. Every change by a person is one statement with its audit row. */
import { sql, type Transaction } from 'kysely'

import { OPEN_LETTERS_AT_MOST, REDRIVABLE } from '../../domain/dead-letter.ts'
import type {
  DeadLetter,
  DeadLetterStore,
  ErrorGroup,
  LetterFilter,
  LetterNote,
  RunEffect,
  SweptLetters,
} from '../../domain/ports/dead-letter-store.ts'
import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { moneyAtRisk, openLetters, payoutsOf } from './dead-letter-sql.ts'

/** Parked runs opened in one pass; more are an outage and are opened by the next. */
const PARKED_PER_SWEEP = 500

/** A redriven parked run may be seen as parked by a list that is older. */
const SEEN_LATE = sql`interval '3 minutes'`

/** The store over `db`. */
export function createDeadLetterStore(db: Database): DeadLetterStore {
  return {
    sweep: (covering) => retriedTransaction(db, (trx) => sweep(trx, covering)),
    list: (filter, page) => list(db, filter, page),
    groups: (limit) => groups(db, limit),
    countOpen: () => countOpen(db),
    find: (runId) => find(db, runId),
    effects: (letter) => effects(db, letter.workflowId),
    claim: (runId, note) => claim(db, runId, note),
    release: (runId) => release(db, runId),
    redriven: (runId, started, note) => redriven(db, runId, started, note),
    discard: (runId, note) => discard(db, runId, note),
  }
}

async function sweep(trx: Transaction<DB>, covering: readonly string[]): Promise<SweptLetters> {
  const parked = await sql<{ run_id: string }>`
    select r.run_id from job_run_kind k join job_run r on r.kind_id = k.id
    where k.status = 'running' and k.state = 'parked'
      and not exists (select from dead_letter d where d.run_id = r.run_id)
    limit ${PARKED_PER_SWEEP}`.execute(trx)
  const deaths = parked.rows.map(({ run_id: runId }) => ({
    runId,
    errorType: 'Parked',
    message: 'it waits for a person: money is owed and nothing helps',
    version: null,
  }))
  const opened = await openLetters(deaths).execute(trx)
  const reopened = await sql`
    update dead_letter d set state = 'OPEN', resolved_at = null, resolved_by = null, reason = null,
      told_at = null, updated_at = now()
    from job_run r join job_run_kind k on k.id = r.kind_id
    where r.run_id = d.run_id and k.status = 'running' and k.state = 'parked'
      and d.state in ('RECOVERED', 'REDRIVEN') and d.resolved_at < now() - ${SEEN_LATE}
    returning 1`.execute(trx)
  const recovered = await sql`
    update dead_letter d set state = 'RECOVERED', resolved_at = now(), updated_at = now()
    from job_run r join job_run_kind k on k.id = r.kind_id
    where r.run_id = d.run_id and d.kind = 'parked' and d.state in ('OPEN', 'ARCHIVED')
      and k.state is distinct from 'parked'
    returning 1`.execute(trx)
  // The last success of each schedule, read once: a letter has as many later runs as there were fires.
  const covered = await sql`
    with succeeded as (
      select k.job, max(r.started_at) as last_at
      from job_run_kind k
      cross join lateral (select r.started_at from job_run r where r.kind_id = k.id
        order by r.started_at desc limit 1) r
      where k.job = any(${covering}::text[]) and k.status = 'success' and k.trigger = 'schedule'
      group by k.job)
    update dead_letter d set state = 'COVERED', resolved_at = now(), updated_at = now()
    where d.state in ('OPEN', 'ARCHIVED') and d.kind <> 'parked' and d.job = any(${covering}::text[])
      and (d.schedule_id = d.job
          and d.started_at < (select s.last_at from succeeded s where s.job = d.job)
        or exists (select from job_run r join job_run_kind k on k.id = r.kind_id
          where r.workflow_id = d.workflow_id and r.started_at > d.started_at
            and k.status = 'success'))
    returning 1`.execute(trx)
  const archived = await sql`
    update dead_letter d set state = 'ARCHIVED', resolved_at = now(), updated_at = now()
    where d.state = 'OPEN' and d.run_id in (
      select o.run_id from dead_letter o where o.state = 'OPEN'
      order by o.died_at desc, o.run_id desc offset ${OPEN_LETTERS_AT_MOST})
    returning 1`.execute(trx)
  return {
    opened: opened.rows.length + reopened.rows.length,
    covered: covered.rows.length,
    recovered: recovered.rows.length,
    archived: archived.rows.length,
  }
}

const COLUMNS = sql`
  l.run_id as "runId", l.workflow_id as "workflowId", l.job, l.schedule_id as "scheduleId", l.kind,
  l.group_id as "groupId", l.error_type as "errorType", l.error_message as "errorMessage",
  l.started_at as "startedAt", l.died_at as "diedAt", l.version, l.state, l.resolved_at as "resolvedAt",
  l.resolved_by as "resolvedBy", l.reason, l.redriven_workflow_id as "redrivenWorkflowId",
  l.redriven_run_id as "redrivenRunId",
  ${moneyAtRisk(sql`(select l.workflow_id) l`)} as "moneyAtRisk"`

async function list(
  db: Database,
  filter: LetterFilter,
  page: PageRequest,
): Promise<Page<DeadLetter>> {
  const scope = ['dead-letters', filter]
  const key = readKey(page, scope, [keyPart.micros, keyPart.uuid])
  const { rows } = await sql<DeadLetter & { micros: string }>`
    select ${COLUMNS}, ${microsOf(sql`l.died_at`)} as micros
    from dead_letter l
    where ${conditions(filter, key)}
    order by l.died_at desc, l.run_id desc limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, {
    item: ({ micros: _micros, ...letter }) => letter,
    key: ({ micros, runId }) => [micros, runId],
  })
}

function conditions(filter: LetterFilter, key: readonly string[] | null) {
  const { runIds, state, job, errorType, groupId, version, failedAfter, failedBefore } = filter
  const all = [sql`true`]
  if (key !== null) {
    all.push(sql`(l.died_at, l.run_id) < (${timeOfMicros(key[0] ?? null)}, ${key[1]}::uuid)`)
  }
  if (runIds !== undefined) all.push(sql`l.run_id = any(${runIds}::uuid[])`)
  if (state !== undefined) all.push(sql`l.state = ${state}`)
  if (job !== undefined) all.push(sql`l.job = ${job}`)
  if (errorType !== undefined) all.push(sql`l.error_type = ${errorType}`)
  if (groupId !== undefined) all.push(sql`l.group_id = ${groupId}::uuid`)
  if (version !== undefined) all.push(sql`l.version = ${version}`)
  if (failedAfter !== undefined) all.push(sql`l.died_at >= ${failedAfter}::timestamptz`)
  if (failedBefore !== undefined) all.push(sql`l.died_at < ${failedBefore}::timestamptz`)
  return sql.join(all, sql` and `)
}

async function groups(db: Database, limit: number): Promise<ErrorGroup[]> {
  const { rows } = await sql<ErrorGroup>`
    select g.id as "groupId", g.job, g.error_type as "errorType", g.message,
      g.first_seen_at as "firstSeenAt", g.last_seen_at as "lastSeenAt", g.letters, o.open,
      g.first_version as "firstVersion", g.last_version as "lastVersion",
      ${moneyAtRisk(sql`(select d.workflow_id from dead_letter d
        where d.group_id = g.id and d.state = 'OPEN') l`)} as "moneyAtRisk"
    from error_group g
    cross join lateral (select count(*) as open from dead_letter d
      where d.group_id = g.id and d.state = 'OPEN') o
    order by (o.open > 0) desc, g.last_seen_at desc, g.id limit ${limit}`.execute(db)
  return rows
}

async function countOpen(db: Database): Promise<Record<string, number>> {
  const { rows } = await sql<{ job: string; n: number }>`
    select d.job, count(*) as n from dead_letter d where d.state = 'OPEN' group by d.job`.execute(
    db,
  )
  return Object.fromEntries(rows.map(({ job, n }) => [job, n]))
}

async function find(db: Database, runId: string): Promise<DeadLetter | null> {
  const { rows } = await sql<DeadLetter>`
    select ${COLUMNS} from dead_letter l where l.run_id = ${runId}::uuid`.execute(db)
  return rows[0] ?? null
}

async function effects(db: Database, workflowId: string): Promise<RunEffect[]> {
  const { rows } = await sql<RunEffect>`
    select 'payout ' || o.state as what, count(*) as count, o.currency,
      sum(o.amount_minor)::text as "amountMinor"
    from ${payoutsOf(sql`${workflowId}::text`)} o
    group by o.state, o.currency order by o.state, o.currency`.execute(db)
  return rows
}

async function claim(db: Database, runId: string, note: LetterNote): Promise<DeadLetter | null> {
  const { rows } = await sql`
    update dead_letter set state = 'REDRIVING', resolved_at = coalesce(resolved_at, now()),
      resolved_by = ${note.by}, reason = ${note.reason}, updated_at = now()
    where run_id = ${runId}::uuid and state = any(${REDRIVABLE}::text[])
    returning 1`.execute(db)
  return rows.length === 0 ? null : find(db, runId)
}

async function release(db: Database, runId: string): Promise<void> {
  await sql`
    update dead_letter set state = 'OPEN', resolved_at = null, resolved_by = null, reason = null,
      updated_at = now()
    where run_id = ${runId}::uuid and state = 'REDRIVING'`.execute(db)
}

async function redriven(
  db: Database,
  runId: string,
  started: { workflowId: string; runId: string; input: string },
  { by, reason, at }: LetterNote,
): Promise<void> {
  await sql`
    with done as (
      update dead_letter set state = 'REDRIVEN', resolved_at = now(), resolved_by = ${by},
        reason = ${reason}, redriven_workflow_id = ${started.workflowId},
        redriven_run_id = ${started.runId}::uuid, updated_at = now()
      where run_id = ${runId}::uuid and state = 'REDRIVING' returning workflow_id)
    insert into audit_event (at, actor, action, subject, details)
    select ${at}::timestamptz, ${by}, 'run.redriven', 'run:' || done.workflow_id,
      ${JSON.stringify({ runId, started, reason })}::jsonb from done`.execute(db)
}

async function discard(
  db: Database,
  runId: string,
  { by, reason, at }: LetterNote,
): Promise<boolean> {
  const { rows } = await sql`
    with done as (
      update dead_letter set state = 'DISCARDED', resolved_at = now(), resolved_by = ${by},
        reason = ${reason}, updated_at = now()
      where run_id = ${runId}::uuid and state in ('OPEN', 'ARCHIVED') returning workflow_id)
    insert into audit_event (at, actor, action, subject, details)
    select ${at}::timestamptz, ${by}, 'run.discarded', 'run:' || done.workflow_id,
      ${JSON.stringify({ runId, reason })}::jsonb from done
    returning 1`.execute(db)
  return rows.length > 0
}
