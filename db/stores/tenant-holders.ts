/** Whose holders are whose: a token is one tenant's, and a house's that is in no list. */
import { sql } from 'kysely'

import type { TenantHolder } from '../../domain/ports/tenant-holders.ts'
import type { Database } from '../client.ts'

/** The database's rule against a token of two tenants. */
const HOLDER_OF_ONE_TENANT = 'holder_of_one_tenant'

/** Those of the tokens that are another tenant's than is said of each. */
export async function foreignHolders(
  db: Database,
  holders: readonly TenantHolder[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ holderRef: string }>`
    select f as "holderRef" from foreign_holders(
      ${holders.map(({ holderRef }) => holderRef)}::text[],
      ${holders.map(({ tenant }) => tenant)}::text[]) as f
    limit ${holders.length}`.execute(db)
  return new Set(rows.map(({ holderRef }) => holderRef))
}

/** Takes tokens for their tenants, in the caller's transaction; those of the house stay unlisted. */
export async function claimHolders(db: Database, holders: readonly TenantHolder[]): Promise<void> {
  await sql`
    select claim_holders(${holders.map(({ holderRef }) => holderRef)}::text[],
      ${holders.map(({ tenant }) => tenant)}::text[])`.execute(db)
}

/** Whether a write failed because its token is another tenant's. */
export function isOfAnotherTenant(error: unknown): boolean {
  return (
    error instanceof Error && 'constraint' in error && error.constraint === HOLDER_OF_ONE_TENANT
  )
}
