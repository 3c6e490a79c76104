/** Log lines of runs in Postgres. */
import { sql } from 'kysely'

import type { Page, PageRequest } from '../../domain/ports/page.ts'
import {
  LINE_LEVELS,
  RUN_LINES_AT_MOST,
  type RunLine,
  type RunLineFilter,
  type RunLogStore,
  type WrittenLine,
} from '../../domain/ports/run-log.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'

/** The store over `db`. */
export function createRunLogStore(db: Database): RunLogStore {
  return {
    append: (lines) => append(db, lines),
    list: (filter, page) => list(db, filter, page),
  }
}

async function append(db: Database, lines: readonly WrittenLine[]): Promise<void> {
  if (lines.length === 0) return
  const runIds = [...new Set(lines.map((line) => line.runId))]
  await sql`
    with incoming as (
      select * from unnest(${lines.map((line) => line.workflowId)}::text[],
        ${lines.map((line) => line.runId)}::uuid[], ${lines.map((line) => line.at)}::timestamptz[],
        ${lines.map((line) => line.writer)}::uuid[], ${lines.map((line) => line.n)}::integer[],
        ${lines.map((line) => line.level)}::text[], ${lines.map((line) => line.event)}::text[],
        ${lines.map((line) => line.data)}::jsonb[])
        as i (workflow_id, run_id, at, writer, n, level, event, data)
    ), held as (
      select h.run_id, count(*) as lines from run_log_line h
      where h.run_id = any(${runIds}::uuid[]) group by h.run_id
    ), placed as (
      select i.*, coalesce(h.lines, 0) + row_number() over (partition by i.run_id order by i.n) as place
      from incoming i left join held h on h.run_id = i.run_id
    )
    insert into run_log_line (workflow_id, run_id, at, writer, n, level, event, data)
    select p.workflow_id, p.run_id, p.at, p.writer, p.n, p.level, p.event, p.data
    from placed p where p.place <= ${RUN_LINES_AT_MOST}
    on conflict do nothing`.execute(db)
}

type Row = RunLine & { readonly micros: string; readonly writer: string; readonly n: number }

async function list(
  db: Database,
  filter: RunLineFilter,
  page: PageRequest,
): Promise<Page<RunLine>> {
  const scope = ['run-log', filter]
  const key = readKey(page, scope, [keyPart.micros, keyPart.uuid, keyPart.integer])
  const { workflowId, runId, level, since } = filter
  const all = [sql`l.workflow_id = ${workflowId}`]
  if (runId !== undefined) all.push(sql`l.run_id = ${runId}::uuid`)
  if (since !== undefined) all.push(sql`l.at >= ${since}::timestamptz`)
  if (level !== undefined) {
    all.push(sql`l.level = any(${LINE_LEVELS.slice(LINE_LEVELS.indexOf(level))}::text[])`)
  }
  if (key !== null) {
    const [micros = null, writer, n] = key
    all.push(sql`(l.at, l.writer, l.n) > (${timeOfMicros(micros)}, ${writer}::uuid, ${n}::integer)`)
  }
  const { rows } = await sql<Row>`
    select l.workflow_id as "workflowId", l.run_id as "runId", l.at, l.level, l.event, l.data,
      l.writer, l.n, ${microsOf(sql`l.at`)} as micros
    from run_log_line l where ${sql.join(all, sql` and `)}
    order by l.at, l.writer, l.n limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, {
    item: ({ micros: _micros, writer: _writer, n: _n, ...line }) => line,
    key: ({ micros, writer, n }) => [micros, writer, String(n)],
  })
}
