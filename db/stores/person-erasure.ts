/** What of a person goes when they are erased, and what keeps it from going. */
import { sql, type Transaction } from 'kysely'

import type { PrivacyRequestStore } from '../../domain/ports/privacy-requests.ts'
import type { ErasureBlock } from '../../domain/privacy-request.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import type { DB } from '../types.generated.ts'

/** The first block that holds of the person, with how many policies or payouts there are. */
export async function blockOf(
  db: Database,
  holderRef: string,
): ReturnType<PrivacyRequestStore['blockOf']> {
  const { rows } = await sql<{ block: ErasureBlock; count: number }>`
    select 'LIVE_POLICIES' as block, count(*) as count from policy p
    where p.payee_ref = ${holderRef}
      and p.state in ('BOUND', 'MONITORING', 'TRIGGERED', 'IN_REVIEW')
    having count(*) > 0
    union all
    select 'OPEN_EXPORT', count(*) from privacy_request r
    where r.holder_ref = ${holderRef} and r.kind = 'export'
      and r.state in ('RECEIVED', 'IN_PROGRESS')
    having count(*) > 0
    union all
    select 'OPEN_PAYOUTS', count(*) from policy p join payout o on o.policy_id = p.id
    where p.payee_ref = ${holderRef} and o.state not in ('PAID', 'CANCELLED')
    having count(*) > 0
    order by block limit 1`.execute(db)
  return rows[0] ?? null
}

/**
 * Takes away all that names the person, their key first of all, and remembers that they were erased. Their
 * token stays in policies, ledger and trail: it names nobody.
 */
export async function erasePerson(
  trx: Transaction<DB>,
  { holderRef, requestId, erasedAt }: Erasure,
): Promise<void> {
  await shredPerson(trx, holderRef)
  // No link may hand out what was copied before.
  await sql`
    update privacy_request
    set link_sha256 = null, link_expires_at = null, link_tries_left = null, updated_at = now()
    where holder_ref = ${holderRef} and link_sha256 is not null`.execute(trx)
  await sql`
    insert into erased_person (holder_ref, request_id, erased_at)
    values (${holderRef}, ${requestId}::uuid, ${erasedAt}::timestamptz)
    on conflict do nothing`.execute(trx)
}

type Erasure = {
  readonly holderRef: string
  readonly requestId: string
  readonly erasedAt: Instant
}

/** Removes key, contact and browsers. False when there was nothing. */
export async function shredPerson(trx: Transaction<DB>, holderRef: string): Promise<boolean> {
  const { rows } = await sql`
    with key as (
      delete from person_key where holder_ref = ${holderRef} returning holder_ref
    ), known as (
      delete from contact where holder_ref = ${holderRef} returning holder_ref
    )
    select from key union all select from known`.execute(trx)
  return rows.length > 0
}
