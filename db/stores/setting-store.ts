/** Run-time settings in Postgres. */
import { sql } from 'kysely'

import type {
  SettingChange,
  SettingChanged,
  SettingStore,
  StoredSetting,
} from '../../domain/ports/setting-store.ts'
import type { Database } from '../client.ts'

/** The setting store over `db`. */
export function createSettingStore(db: Database): SettingStore {
  return {
    async read(key) {
      const { rows } = await sql<{ value: unknown }>`
        select s.value from setting s where s.key = ${key}`.execute(db)
      return rows[0]?.value ?? null
    },
    readAll: (keys) => readAll(db, keys),
    change: (change) => changeSetting(db, change),
    async write(key, value, updatedBy) {
      await sql`
        insert into setting (key, value, updated_by)
        values (${key}, ${JSON.stringify(value)}::jsonb, ${updatedBy})
        on conflict (key) do update
        set value = excluded.value, updated_by = excluded.updated_by, updated_at = now()`.execute(
        db,
      )
    },
  }
}

async function readAll(db: Database, keys: readonly string[]): Promise<StoredSetting[]> {
  const { rows } = await sql<StoredSetting>`
    select s.key, s.value, s.version, s.updated_by as "updatedBy", s.updated_at as "updatedAt"
    from setting s where s.key = any(${keys}::text[])
    order by s.key limit ${keys.length}`.execute(db)
  return rows
}

/** Changes of one key take turns, also while it has no row that could be locked. */
function changeSetting(db: Database, change: SettingChange): Promise<SettingChanged> {
  const { key, value, expectedVersion, by } = change
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('setting|' || ${key}, 0))`.execute(trx)
    const [stored = null] = await readAll(trx, [key])
    if (expectedVersion !== null && expectedVersion !== (stored?.version ?? 0)) {
      return { kind: 'changed-meanwhile', stored }
    }
    const before = stored?.value ?? null
    const after = value ?? null
    const { rows } =
      value === undefined
        ? await sql`delete from setting where key = ${key} returning key`.execute(trx)
        : await sql`
            insert into setting as s (key, value, updated_by)
            values (${key}, ${JSON.stringify(value)}::jsonb, ${by})
            on conflict (key) do update
            set value = excluded.value, updated_by = excluded.updated_by, updated_at = now()
            where s.value <> excluded.value
            returning s.key`.execute(trx)
    const isChanged = rows.length > 0
    if (isChanged) {
      const details = { before, after, reason: change.reason }
      await sql`
        insert into audit_event (at, actor, action, subject, details)
        values (${change.at}::timestamptz, ${by},
          ${value === undefined ? 'setting.reset' : 'setting.changed'}, ${`setting:${key}`},
          ${JSON.stringify(details)}::jsonb)`.execute(trx)
    }
    return { kind: 'done', isChanged, before, after }
  })
}
