/** Tasks in Postgres. Every change by a person is one statement with its audit row. */
import { sql, type RawBuilder, type Transaction } from 'kysely'

import type { FireSpec } from '../../domain/expected-fires.ts'
import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type {
  NewTask,
  TaskChange,
  TaskFilter,
  TaskLook,
  TaskNote,
  TaskRun,
  TaskStore,
} from '../../domain/ports/task-store.ts'
import { OPEN_TASKS_AT_MOST, type Task } from '../../domain/task.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'
import type { DB } from '../types.generated.ts'
import { readTaskFires, readTaskStatistics } from './task-watch-sql.ts'

/** The store over `db`. */
export function createTaskStore(db: Database): TaskStore {
  return {
    create: (task, note) => db.transaction().execute((trx) => create(trx, task, note)),
    find: async (taskId) => (await read(db, sql`t.id = ${taskId}::uuid`, 1))[0] ?? null,
    findMany: (taskIds) => read(db, sql`t.id = any(${taskIds}::uuid[])`, taskIds.length),
    list: (filter, page) => list(db, filter, page),
    runs: (taskId, limit) => runs(db, taskId, limit),
    statistics: () => readTaskStatistics(db),
    change: (change, note) => db.transaction().execute((trx) => changeTask(trx, change, note)),
    listUnapplied: (before, limit) =>
      read(
        db,
        sql`(t.applied_revision < t.revision and t.updated_at <= ${before}::timestamptz
          -- Changes of clocks are written out for some years ahead, and renewed in time.
          or t.timing ->> 'kind' = 'wall' and t.state in ('SCHEDULED', 'PAUSED')
            and t.applied_at < ${before}::timestamptz - interval '1 year')`,
        limit,
        sql`t.updated_at, t.id`,
      ),
    async applied(taskId, revision, at) {
      await sql`
        update task set applied_revision = ${revision}::integer, applied_at = ${at}::timestamptz
        where id = ${taskId}::uuid and applied_revision <= ${revision}::integer
          and revision >= ${revision}::integer`.execute(db)
    },
    async unapply(taskId) {
      await sql`update task set applied_revision = 0 where id = ${taskId}::uuid`.execute(db)
    },
    listDue: (now, limit) =>
      read(
        db,
        sql`t.state = 'SCHEDULED' and t.look_at <= ${now}::timestamptz`,
        limit,
        sql`t.look_at, t.id`,
      ),
    fires: (taskIds) => readTaskFires(db, taskIds),
    settle: (look, at) => db.transaction().execute((trx) => settle(trx, look, at)),
  }
}

const COLUMNS = sql`
  t.id as "taskId", t.tenant, t.owner, t.job, t.input, t.priority, t.timing,
  t.tolerance_min as "toleranceMin", t.state, t.due_at as "dueAt", t.timed_at as "timedAt", t.reason,
  t.revision, t.missed, t.missed_until as "missedUntil",
  t.applied_revision = t.revision as "isApplied", t.created_at as "createdAt", t.updated_at as "updatedAt"`

async function read(
  db: Database,
  where: RawBuilder<unknown>,
  limit: number,
  order = sql`t.due_at, t.id`,
): Promise<Task[]> {
  const { rows } = await sql<Task>`
    select ${COLUMNS} from task t where ${where} order by ${order} limit ${limit}`.execute(db)
  return rows
}

async function create(trx: Transaction<DB>, task: NewTask, note: TaskNote): Promise<Task | null> {
  // Those who create take turns, or each would see room for one more.
  await sql`select pg_advisory_xact_lock(hashtextextended('task', 0))`.execute(trx)
  const [kept] = await read(trx, sql`t.id = ${task.taskId}::uuid`, 1)
  if (kept !== undefined) return kept
  const { rows: open } = await sql<{ n: number }>`
    select count(*) as n from task t where t.state in ('SCHEDULED', 'PAUSED')`.execute(trx)
  if ((open[0]?.n ?? 0) >= OPEN_TASKS_AT_MOST) return null
  const { taskId, tenant, owner, job, input, priority, timing, toleranceMin } = task
  const { rows } = await sql<Task>`
    insert into task as t (id, tenant, owner, job, input, priority, timing, tolerance_min, due_at,
      timed_at, reason, look_at)
    values (${taskId}::uuid, ${tenant}, ${owner}, ${job}, ${JSON.stringify(input)}::jsonb,
      ${priority}, ${JSON.stringify(timing)}::jsonb, ${toleranceMin}::integer,
      ${task.dueAt}::timestamptz, ${task.timedAt}::timestamptz, ${note.reason},
      ${task.dueAt}::timestamptz)
    returning ${COLUMNS}`.execute(trx)
  const [made] = rows
  if (made === undefined) throw new Error(`task ${taskId} was not kept`)
  // Watched before its schedule exists: one that is never made is missed.
  await sql`
    insert into schedule_watch (schedule_id, spec, is_paused, checked_until)
    select t.schedule_id, ${JSON.stringify(NOTHING_EXPECTED)}::jsonb, false,
      ${task.timedAt}::timestamptz - interval '1 second'
    from task t where t.id = ${taskId}::uuid`.execute(trx)
  await audit(trx, made, 'task.created', note, { timing, job })
  return made
}

/** Before a task has its timing it fires never. */
const NOTHING_EXPECTED: FireSpec = { everyMs: null, wall: null }

async function audit(
  trx: Transaction<DB>,
  { taskId }: Pick<Task, 'taskId'>,
  action: string,
  { by, reason, at }: TaskNote,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${at}::timestamptz, ${by}, ${action}, ${`task:${taskId}`},
      ${JSON.stringify({ ...details, reason })}::jsonb)`.execute(trx)
}

async function list(db: Database, filter: TaskFilter, page: PageRequest): Promise<Page<Task>> {
  const scope = ['tasks', filter]
  const key = readKey(page, scope, [keyPart.micros, keyPart.uuid])
  const { rows } = await sql<Task & { micros: string }>`
    select ${COLUMNS}, ${microsOf(sql`t.due_at`)} as micros from task t
    where ${conditions(filter, key)}
    order by t.due_at, t.id limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, {
    item: ({ micros: _micros, ...task }) => task,
    key: ({ micros, taskId }) => [micros, taskId],
  })
}

function conditions(filter: TaskFilter, key: readonly string[] | null): RawBuilder<unknown> {
  const { taskIds, tenant, owner, job, state, since, until } = filter
  const all = [sql`true`]
  if (key !== null) {
    all.push(sql`(t.due_at, t.id) > (${timeOfMicros(key[0] ?? null)}, ${key[1]}::uuid)`)
  }
  if (taskIds !== undefined) all.push(sql`t.id = any(${taskIds}::uuid[])`)
  if (tenant !== undefined) all.push(sql`t.tenant = ${tenant}`)
  if (owner !== undefined) all.push(sql`t.owner = ${owner}`)
  if (job !== undefined) all.push(sql`t.job = ${job}`)
  if (state !== undefined) all.push(sql`t.state = ${state}`)
  if (since !== undefined) all.push(sql`t.due_at >= ${since}::timestamptz`)
  if (until !== undefined) all.push(sql`t.due_at < ${until}::timestamptz`)
  return sql.join(all, sql` and `)
}

async function runs(db: Database, taskId: string, limit: number): Promise<TaskRun[]> {
  const { rows } = await sql<TaskRun>`
    select r.run_id as "runId", r.workflow_id as "workflowId", r.nominal_at as "nominalAt",
      r.started_at as "startedAt", r.closed_at as "closedAt", k.status, k.error_type as "errorType"
    from task t
    join job_run r on r.schedule_id = t.schedule_id
    join job_run_kind k on k.id = r.kind_id
    where t.id = ${taskId}::uuid
    order by r.nominal_at desc, r.started_at desc limit ${limit}`.execute(db)
  return rows
}

async function changeTask(
  trx: Transaction<DB>,
  change: TaskChange,
  note: TaskNote,
): Promise<Task | null> {
  const { taskId, from, to, action, dueAt, timing, toleranceMin } = change
  const { rows: before } = await sql<{ state: string; timing: unknown; dueAt: Instant }>`
    select t.state, t.timing, t.due_at as "dueAt" from task t
    where t.id = ${taskId}::uuid and t.state = any(${from}::text[]) for update`.execute(trx)
  const [was] = before
  if (was === undefined) return null
  const sets = [
    sql`state = ${to}`,
    sql`reason = ${note.reason}`,
    sql`revision = revision + 1`,
    sql`updated_at = now()`,
  ]
  if (dueAt !== undefined) {
    sets.push(sql`due_at = ${dueAt}::timestamptz`, sql`look_at = ${dueAt}::timestamptz`)
  }
  if (timing !== undefined) {
    sets.push(sql`timing = ${JSON.stringify(timing.timing)}::jsonb`)
    sets.push(sql`timed_at = ${timing.timedAt}::timestamptz`)
  }
  if (toleranceMin !== undefined) sets.push(sql`tolerance_min = ${toleranceMin}::integer`)
  const { rows } = await sql<Task>`
    update task t set ${sql.join(sets)} where t.id = ${taskId}::uuid returning ${COLUMNS}`.execute(
    trx,
  )
  const [changed] = rows
  if (changed === undefined) return null
  // What does not fire while it is paused is accounted for as that.
  if (to === 'PAUSED') {
    await sql`
      update schedule_watch w set is_paused = true, updated_at = now()
      from task t where t.id = ${taskId}::uuid and w.schedule_id = t.schedule_id`.execute(trx)
  }
  const after = { state: to, timing: changed.timing, dueAt: changed.dueAt }
  await audit(trx, changed, action, note, { before: was, after })
  return changed
}

async function settle(trx: Transaction<DB>, look: TaskLook, at: Instant): Promise<void> {
  const { taskId, revision, state, dueAt, lookAt, missed } = look
  const { rows } = await sql<{ before: string }>`
    update task t set state = ${state}, due_at = ${dueAt}::timestamptz,
      look_at = ${lookAt}::timestamptz, missed = t.missed + ${missed.length}::integer,
      missed_until = coalesce(${missed.at(-1) ?? null}::timestamptz, t.missed_until),
      revision = t.revision + (case when t.state = ${state} then 0 else 1 end),
      updated_at = case when t.state = ${state} then t.updated_at else now() end
    from task o
    where t.id = ${taskId}::uuid and o.id = t.id and t.state = 'SCHEDULED'
      and t.revision = ${revision}::integer
    returning o.state as before`.execute(trx)
  const [was] = rows
  if (was === undefined) return
  const note = { by: 'system', reason: 'its time is over', at }
  if (missed.length > 0) await audit(trx, look, 'task.missed', note, { missed })
  else if (was.before !== state) {
    await audit(trx, look, `task.${state.toLowerCase()}`, note, { after: { state } })
  }
}
