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
    select 'OPEN_PAYOUTS', count(*) from policy p join payout o on o.policy_id = p.id
    where p.payee_ref = ${holderRef} and o.state not in ('PAID', 'CANCELLED')
    having count(*) > 0
    order by block limit 1`.execute(db)
  return rows[0] ?? null
}

/** Takes away all that names the person. Their token stays in policies, ledger and trail: it names nobody. */
export async function erasePerson(
  trx: Transaction<DB>,
  {
    holderRef,
  }: { readonly holderRef: string; readonly requestId: string; readonly erasedAt: Instant },
): Promise<void> {
  await sql`delete from contact where holder_ref = ${holderRef}`.execute(trx)
}
