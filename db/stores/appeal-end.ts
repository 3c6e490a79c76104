/** Ends an appeal with its review case, in the transaction that decides it. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import type { AppealableState, AppealResult } from '../../domain/appeal.ts'
import { isAppealCase } from '../../domain/review-difference.ts'
import type { ReviewSnapshot } from '../../domain/review-case.ts'
import type { ReviewNote } from '../../domain/review-judgement.ts'
import type { DB } from '../types.generated.ts'

type Ended = {
  readonly id: string
  readonly policy_id: string
  readonly policy_number: string
  readonly state_before: AppealableState
  readonly more_minor: number | null
}

/**
 * Writes the end of the case's appeal: upheld when `evaluationIds` made a further payout, else it stands
 * and the policy has its state back. Does nothing for other cases. Callers hold the locks of leg and case.
 */
export async function endAppeal(
  trx: Transaction<DB>,
  { caseId, subjectKind, reasonCode, proposal }: ReviewSnapshot,
  evaluationIds: readonly string[],
  note: ReviewNote,
): Promise<void> {
  if (!isAppealCase({ subjectKind, reasonCode })) return
  // Of two people the first has looked at the evidence and said why.
  const grounds = proposal?.reason ?? note.reason
  const { rows } = await sql<Ended>`
    update appeal a set result = case when m.minor is null then 'STANDS' else 'UPHELD' end,
      more_minor = m.minor, grounds = ${grounds}, decided_at = ${note.at}::timestamptz,
      updated_at = now()
    from policy p, lateral (
      select sum(o.amount_minor)::bigint as minor from payout o
      where o.policy_id = p.id and o.evaluation_id = any(${evaluationIds}::uuid[])
    ) as m
    where a.case_id = ${caseId}::uuid and a.result is null and p.id = a.policy_id
    returning a.id, a.policy_id, p.policy_number, a.state_before, a.more_minor`.execute(trx)
  const [ended] = rows
  if (ended === undefined) return
  const result: AppealResult = ended.more_minor === null ? 'STANDS' : 'UPHELD'
  if (result === 'STANDS') await giveBack(trx, ended)
  const details = {
    reason: grounds,
    result,
    appealId: ended.id,
    caseId,
    moreMinor: ended.more_minor,
  }
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    values (${note.at}::timestamptz, ${note.by}, 'policy.appeal-end',
      ${`policy:${ended.policy_number}`}, ${JSON.stringify(details)}::jsonb)`.execute(trx)
}

/**
 * The state before, unless the policy has moved on: a correction has paid more meanwhile, or a payout
 * came back or was cancelled and its own case goes on.
 */
async function giveBack(trx: Transaction<DB>, ended: Ended): Promise<void> {
  await sql`
    update policy p set state = ${ended.state_before}, state_version = p.state_version + 1,
      updated_at = now()
    from appeal a
    where a.id = ${ended.id}::uuid and p.id = a.policy_id and p.state = 'IN_REVIEW'
      and p.evaluation_id is not distinct from a.evaluation_id
      and not exists (
        select from payout o where o.policy_id = p.id and o.state not in ('PAID', 'CANCELLED'))
      and (p.outcome = 'NO_PAY' or exists (
        select from payout o where o.policy_id = p.id and o.revision = 0 and o.state = 'PAID'))`.execute(
    trx,
  )
}
