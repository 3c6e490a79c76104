/** Reads appeals, and what one more depends on. */
import { sql } from 'kysely'

import type { AppealablePolicy } from '../../domain/appeal.ts'
import type { Currency } from '../../domain/money.ts'
import type { Appeal } from '../../domain/ports/appeal-store.ts'
import type { Database } from '../client.ts'

/** One appeal may follow the other while the days last; more of them than this are a fault of ours. */
const APPEALS_LIMIT = 100

/** A policy as an appeal finds it. */
export type AppealedPolicy = AppealablePolicy & {
  readonly policyId: string
  readonly policyNumber: string
  readonly currency: Currency
  readonly evaluationId: string | null
}

/** The policy; null when there is none. Callers that write hold the locks of its leg and of itself. */
export async function readAppealed(
  db: Database,
  policyNumber: string,
): Promise<AppealedPolicy | null> {
  const { rows } = await sql<AppealedPolicy>`
    select p.id as "policyId", p.policy_number as "policyNumber", p.currency, p.state, p.outcome,
      p.decided_at as "decidedAt", p.evaluation_id as "evaluationId", v.rules as product,
      exists (
        select from payout o where o.policy_id = p.id and o.state not in ('PAID', 'CANCELLED')
      ) as "hasOpenPayout",
      (select a.case_id from appeal a where a.policy_id = p.id and a.result is null limit 1)
        as "openCaseId"
    from policy p join product_version v on v.id = p.product_version_id
    where p.policy_number = ${policyNumber}`.execute(db)
  return rows[0] ?? null
}

/** The appeals of a policy, the oldest first. */
export async function readAppeals(db: Database, policyId: string): Promise<Appeal[]> {
  const { rows } = await sql<Appeal>`
    select a.id as "appealId", a.n, a.case_id as "caseId", a.reason, a.evidence,
      a.filed_by as "filedBy", a.filed_at as "filedAt", a.state_before as "stateBefore", a.result,
      a.grounds, a.more_minor as "moreMinor", a.decided_at as "decidedAt"
    from appeal a where a.policy_id = ${policyId}::uuid
    order by a.n limit ${APPEALS_LIMIT}`.execute(db)
  return rows
}
