/** API keys in Postgres. */
import { sql } from 'kysely'

import type {
  ApiKeyGrant,
  ApiKeyStore,
  ListedApiKey,
  NewApiKey,
} from '../../domain/ports/api-key-store.ts'
import type { AccessNote } from '../../domain/ports/user-store.ts'
import type { Database } from '../client.ts'
import { keyPart, microsOf, pageOf, readKey, timeOfMicros } from '../keyset.ts'

/** The key store over `db`. */
export function createApiKeyStore(db: Database): ApiKeyStore {
  return {
    async list(tenant, page) {
      const scope = ['api-keys', tenant]
      const [micros, id] = readKey(page, scope, [keyPart.micros, keyPart.uuid]) ?? []
      const after =
        micros === undefined
          ? sql`true`
          : sql`(k.created_at, k.id) < (${timeOfMicros(micros)}, ${id}::uuid)`
      const { rows } = await sql<ListedApiKey & { micros: string }>`
        select ${listed}, ${microsOf(sql`k.created_at`)} as micros
        from api_key k where k.tenant = ${tenant} and ${after}
        order by k.created_at desc, k.id desc limit ${page.limit + 1}`.execute(db)
      return pageOf(rows, page, scope, {
        item: ({ micros: _micros, ...item }) => item,
        key: (row) => [row.micros, row.apiKeyId],
      })
    },
    async find(tenant, apiKeyId) {
      if (!keyPart.uuid.test(apiKeyId)) return null
      const { rows } = await sql<ListedApiKey>`
        select ${listed} from api_key k
        where k.tenant = ${tenant} and k.id = ${apiKeyId}::uuid`.execute(db)
      return rows[0] ?? null
    },
    create: (key, note) => db.transaction().execute((trx) => createKey(trx, key, note)),
    revoke: (tenant, apiKeyId, note) =>
      db.transaction().execute((trx) => revokeKey(trx, { tenant, apiKeyId }, note)),
    use: (sha256) => useKey(db, sha256),
  }
}

const listed = sql`
  k.id as "apiKeyId", k.name, k.role, k.hint, k.proof_thumbprint as "dpopThumbprint",
  k.expires_at as "expiresAt", k.revoked_at as "revokedAt", k.last_used_at as "lastUsedAt",
  k.created_by as "createdBy", k.created_at as "createdAt"`

async function createKey(trx: Database, key: NewApiKey, note: AccessNote): Promise<boolean> {
  const { apiKeyId, tenant, name, role, expiresAt, dpopThumbprint } = key
  const { rows } = await sql`
    insert into api_key (id, tenant, name, role, sha256, hint, proof_thumbprint, expires_at, created_by)
    values (${apiKeyId}::uuid, ${tenant}, ${name}, ${role}, ${key.sha256}, ${key.hint},
      ${dpopThumbprint}, ${expiresAt}::timestamptz, ${note.by})
    on conflict (tenant, name) where revoked_at is null do nothing
    returning id`.execute(trx)
  if (rows.length === 0) return false
  const details = { apiKeyId, tenant, role, expiresAt, dpopThumbprint, reason: note.reason }
  await recordEvent(trx, { ...note, action: 'api-key.create', name, details })
  return true
}

async function revokeKey(
  trx: Database,
  { tenant, apiKeyId }: { readonly tenant: string; readonly apiKeyId: string },
  note: AccessNote,
): Promise<{ readonly isChanged: boolean } | null> {
  if (!keyPart.uuid.test(apiKeyId)) return null
  const { rows } = await sql<{ name: string; isRevoked: boolean }>`
    select k.name, k.revoked_at is not null as "isRevoked" from api_key k
    where k.tenant = ${tenant} and k.id = ${apiKeyId}::uuid for update`.execute(trx)
  const [row] = rows
  if (row === undefined) return null
  if (row.isRevoked) return { isChanged: false }
  await sql`
    update api_key set revoked_at = now(), updated_at = now()
    where id = ${apiKeyId}::uuid`.execute(trx)
  const details = { apiKeyId, reason: note.reason }
  await recordEvent(trx, { ...note, action: 'api-key.revoke', name: row.name, details })
  return { isChanged: true }
}

async function useKey(db: Database, sha256: string): Promise<ApiKeyGrant | null> {
  const { rows } = await sql<ApiKeyGrant & { isUseKnown: boolean }>`
    select k.tenant, k.name, k.role, k.proof_thumbprint as "dpopThumbprint",
      coalesce(k.last_used_at > now() - interval '1 minute', false) as "isUseKnown"
    from api_key k
    where k.sha256 = ${sha256} and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now())`.execute(db)
  const [row] = rows
  if (row === undefined) return null
  const { isUseKnown, ...grant } = row
  if (!isUseKnown) {
    await sql`update api_key set last_used_at = now() where sha256 = ${sha256}`.execute(db)
  }
  return grant
}

type KeyEvent = AccessNote & {
  readonly action: string
  readonly name: string
  readonly details: Readonly<Record<string, unknown>>
}

async function recordEvent(trx: Database, event: KeyEvent): Promise<void> {
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${event.at}::timestamptz, ${event.by}, ${event.action}, ${`api-key:${event.name}`},
      ${JSON.stringify(event.details)}::jsonb)`.execute(trx)
}
