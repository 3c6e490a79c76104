/** Who moved which switch, and maintenance windows, in Postgres. */
import { sql } from 'kysely'

import type {
  ControlEntry,
  ControlStore,
  MaintenanceWindow,
  QueueLimit,
} from '../../domain/ports/job-control.ts'
import type { Database } from '../client.ts'

/** The store over `db`. */
export function createControlStore(db: Database): ControlStore {
  return {
    audit: async (entry) => {
      await auditRow(entry).execute(db)
    },
    openWindow: (window, entry) => openWindow(db, window, entry),
    listWindows: (limit) => listWindows(db, limit),
    closeWindow: async (windowId, entry) => {
      await sql`
        with closed as (
          update maintenance_window set closed_at = now(), updated_at = now()
          where id = ${windowId}::uuid and closed_at is null returning id)
        ${auditRow(entry, sql`from closed`)}`.execute(db)
    },
    readQueueLimit: async (queue) => {
      const { rows } = await sql<QueueLimit>`
        select per_second as "perSecond", set_by || ': ' || reason as reason, updated_at as since
        from queue_limit where queue = ${queue}`.execute(db)
      return rows[0] ?? null
    },
    saveQueueLimit: (queue, perSecond, entry) => saveQueueLimit(db, queue, perSecond, entry),
  }
}

function auditRow({ by, reason, at, action, subject, details }: ControlEntry, from = sql``) {
  return sql`
    insert into audit_event (at, actor, action, subject, details)
    select ${at}::timestamptz, ${by}, ${action}, ${subject},
      ${JSON.stringify({ ...details, reason })}::jsonb ${from}`
}

const COLUMNS = sql`
  id as "windowId", schedule_ids as "scheduleIds", note, opened_by as "openedBy", reason,
  until_at as "untilAt", closed_at as "closedAt"`

async function openWindow(
  db: Database,
  window: Omit<MaintenanceWindow, 'windowId' | 'closedAt'>,
  entry: ControlEntry,
): Promise<MaintenanceWindow> {
  return db.transaction().execute(async (trx) => {
    await auditRow(entry).execute(trx)
    const { rows } = await sql<MaintenanceWindow>`
      insert into maintenance_window (schedule_ids, note, opened_by, reason, until_at)
      values (${window.scheduleIds}::text[], ${window.note}, ${window.openedBy}, ${window.reason},
        ${window.untilAt}::timestamptz)
      returning ${COLUMNS}`.execute(trx)
    const [opened] = rows
    if (opened === undefined) throw new Error('the window was not kept')
    return opened
  })
}

async function listWindows(db: Database, limit: number): Promise<MaintenanceWindow[]> {
  const { rows } = await sql<MaintenanceWindow>`
    select ${COLUMNS} from maintenance_window where closed_at is null
    order by until_at, id limit ${limit}`.execute(db)
  return rows
}

async function saveQueueLimit(
  db: Database,
  queue: string,
  perSecond: number | null,
  entry: ControlEntry,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await auditRow(entry).execute(trx)
    if (perSecond === null) {
      await sql`delete from queue_limit where queue = ${queue}`.execute(trx)
      return
    }
    await sql`
      insert into queue_limit (queue, per_second, reason, set_by)
      values (${queue}, ${perSecond}, ${entry.reason}, ${entry.by})
      on conflict (queue) do update set per_second = excluded.per_second, reason = excluded.reason,
        set_by = excluded.set_by, updated_at = now()`.execute(trx)
  })
}
