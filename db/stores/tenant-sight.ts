/** Whether a tenant sees a thing, asked over a database that is opened for it: rows of others are not there. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { TenantSight } from '../../domain/ports/tenant-sight.ts'
import type { Database } from '../client.ts'

/** The sight of the tenant that `db` was opened for. */
export function createTenantSight(db: Database): TenantSight {
  const sees = async (query: RawBuilder<{ found: boolean }>) =>
    (await query.execute(db)).rows[0]?.found === true
  return {
    policy: (policyNumber) =>
      sees(sql`
        select exists (select from policy where policy_number = ${policyNumber}) as found`),
    quote: (quoteId) =>
      sees(sql`select exists (select from quote where id = ${quoteId}::uuid) as found`),
    payout: (payoutId) =>
      sees(sql`select exists (select from payout where id = ${payoutId}::uuid) as found`),
    reviewCase: (caseId) =>
      sees(sql`select exists (select from review_case where id = ${caseId}::uuid) as found`),
    notification: (notificationId) =>
      sees(sql`
        select exists (select from notification where id = ${notificationId}::uuid) as found`),
    holder: (holderRef) =>
      sees(sql`
        select exists (select from tenant_holder where holder_ref = ${holderRef}) as found`),
    privacyRequest: (requestId) =>
      sees(sql`select exists (
        select from privacy_request where id = ${requestId}::uuid
        union all select from privacy_request_archive where id = ${requestId}::uuid) as found`),
  }
}
