/** Opens the database for tenants as their callers come, and keeps the doors of those who come often. */
import { createDatabase, type Database } from '../db/client.ts'
import type { AppDeps } from './app.ts'
import type { ApiParts } from './parts.ts'
import { tenantDoors } from './tenant-doors.ts'

/** A page of a partner asks few things at once; an idle connection is closed after ten seconds. */
const CONNECTIONS_OF_TENANT = 2
/**
 * Tenants that are kept at once, by what a process may hold. The one that called longest ago makes room:
 * its requests are long over, and it is opened again when it calls.
 */
const TENANTS_LIMIT = 200

type Kept = { readonly db: Database; readonly doors: AppDeps }

/** The doors of a tenant, over connections that see nothing but what is its own. */
export function keepTenantDoors(
  parts: ApiParts,
  databaseUrl: string,
  house: () => AppDeps,
): AppDeps['doorsOf'] {
  const kept = new Map<string, Kept>()
  parts.stack.defer(async () => {
    await Promise.all([...kept.values()].map(({ db }) => db.destroy()))
  })
  const makeRoom = () => {
    const [oldest] = kept
    if (kept.size < TENANTS_LIMIT || oldest === undefined) return
    const [tenant, { db }] = oldest
    kept.delete(tenant)
    db.destroy().catch((error: unknown) => {
      parts.logger.warn({ error, tenant }, 'tenant-database-not-closed')
    })
  }
  return (tenant) => {
    let found = kept.get(tenant)
    // The newest is last.
    if (found !== undefined) kept.delete(tenant)
    else {
      makeRoom()
      const max = CONNECTIONS_OF_TENANT
      const db = createDatabase(databaseUrl, { max, tenant, applicationName: 'groundstop api' })
      found = { db, doors: tenantDoors({ ...parts, tenant, db, house: house() }) }
    }
    kept.set(tenant, found)
    return found.doors
  }
}
