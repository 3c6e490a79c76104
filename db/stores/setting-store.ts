/** Run-time settings in Postgres. */
import { sql } from 'kysely'

import type { SettingStore } from '../../domain/ports/setting-store.ts'
import type { Database } from '../client.ts'

/** The setting store over `db`. */
export function createSettingStore(db: Database): SettingStore {
  return {
    async read(key) {
      const { rows } = await sql<{ value: unknown }>`
        select s.value from setting s where s.key = ${key}`.execute(db)
      return rows[0]?.value ?? null
    },
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
