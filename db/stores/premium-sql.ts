/** Premiums in the ledger, for the statements that bring policies to their end. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import { account, ledgerRef } from '../../domain/ledger.ts'
import type { Instant } from '../../domain/time.ts'

/**
 * CTEs that earn the premiums of the policies in CTE `ended` (id, premium_minor, currency). Every
 * statement that moves policies to PAID or EXPIRED has them. A policy that comes to an end again, after
 * a review, has earned already; one without a premium earns nothing.
 */
export function earnPremiums(ended: RawBuilder<unknown>, at: Instant): RawBuilder<unknown> {
  return sql`due_premium as (
    select ${ledgerRef.earn('')}::text || id as ref, premium_minor, currency
    from ${ended} where premium_minor > 0
  ), earned as (
    insert into ledger_transaction (id, ref, kind, effective_at)
    select groundstop_id('ledger|' || ref), ref, 'earn', ${at}::timestamptz from due_premium
    on conflict do nothing
    returning id, ref
  ), earned_posting as (
    insert into ledger_posting (transaction_id, source, destination, amount_minor, currency)
    select e.id, ${account.unearned}::text, ${account.revenue}::text, d.premium_minor, d.currency
    from earned e join due_premium d on d.ref = e.ref
  )`
}
