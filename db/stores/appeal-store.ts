/** Appeals in Postgres: taken under the locks of the leg and the policy, in one transaction. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import {
  APPEAL,
  appealableUntil,
  appealRefusal,
  isAppealable,
  type AppealableState,
} from '../../domain/appeal.ts'
import type { AppealStore, FiledAppeal, NewAppeal } from '../../domain/ports/appeal-store.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { readAppealed, readAppeals, type AppealedPolicy } from './appeal-reads.ts'

/** The appeal store over `db`. */
export function createAppealStore(db: Database): AppealStore {
  return {
    file: (appeal) => retriedTransaction(db, (trx) => file(trx, appeal)),
    async list(policyNumber, now) {
      const policy = await readAppealed(db, policyNumber)
      if (policy === null) return null
      const { policyId, currency, decidedAt, product } = policy
      return {
        policyNumber,
        currency,
        until: decidedAt === null ? null : appealableUntil(decidedAt, product),
        refusal: appealRefusal(policy, now),
        appeals: await readAppeals(db, policyId),
      }
    },
  }
}

async function file(trx: Transaction<DB>, appeal: NewAppeal): Promise<FiledAppeal> {
  const { policyNumber, at } = appeal
  // The order of locks is everywhere the same: the leg, the policy. A decision, a case of the leg and an
  // expiry come before or after, not between.
  await sql`
    select id from flight_leg
    where id = (select leg_id from policy where policy_number = ${policyNumber})
    for update`.execute(trx)
  await sql`select id from policy where policy_number = ${policyNumber} for update`.execute(trx)
  // A statement of its own: it sees what whoever held the locks before has written.
  const policy = await readAppealed(trx, policyNumber)
  if (policy === null) return { kind: 'no-policy' }
  const repeated = await findRepeat(trx, policy, appeal)
  if (repeated !== null) return repeated
  const refusal = appealRefusal(policy, at)
  if (refusal !== null) return { kind: 'refused', refusal }
  const { state } = policy
  if (!isAppealable(state)) throw new Error(`an appeal was allowed to a policy that is ${state}`)
  await write(trx, policy, state, appeal)
  const filed = (await readAppeals(trx, policy.policyId)).at(-1)
  if (filed === undefined) throw new Error(`policy ${policyNumber} has no appeal`)
  return { kind: 'filed', isNew: true, appeal: filed }
}

async function findRepeat(
  trx: Transaction<DB>,
  { policyId }: AppealedPolicy,
  { requestId }: NewAppeal,
): Promise<FiledAppeal | null> {
  if (requestId === null) return null
  const { rows } = await sql<{ n: number }>`
    select a.n from appeal a
    where a.policy_id = ${policyId}::uuid and a.request_ref = ${requestId}`.execute(trx)
  const n = rows[0]?.n
  const appeal = (await readAppeals(trx, policyId)).find((one) => one.n === n)
  return appeal === undefined ? null : { kind: 'filed', isNew: false, appeal }
}

/** The ids count the appeals of the policy, whose lock is held. */
async function write(
  trx: Transaction<DB>,
  { policyId, policyNumber, evaluationId }: AppealedPolicy,
  stateBefore: AppealableState,
  { by, reason, evidence, requestId, at }: NewAppeal,
): Promise<void> {
  await sql`
    with counted as (
      select ${policyId}::uuid as policy_id,
        (select count(*) + 1 from appeal a where a.policy_id = ${policyId}::uuid) as n,
        (select count(*) from review_case r where r.subject_kind = 'policy'
          and r.subject_id = ${policyId}::uuid and r.reason_code = ${APPEAL}) as cases
    ), named as (
      select c.policy_id, c.n, groundstop_id(concat_ws('|', 'appeal', c.policy_id, c.n)) as id,
        groundstop_id(concat_ws('|', 'review', 'policy', c.policy_id, ${APPEAL}::text, c.cases))
          as case_id
      from counted c
    ), opened as (
      insert into review_case (id, subject_kind, subject_id, reason_code, details, opened_at)
      select n.case_id, 'policy', n.policy_id, ${APPEAL}, jsonb_build_object('appealId', n.id,
          'n', n.n, 'reason', ${reason}::text, 'evidence', ${evidence}::text), ${at}::timestamptz
      from named n
      returning id
    ), filed as (
      insert into appeal (id, policy_id, n, case_id, reason, evidence, filed_by, filed_at,
        request_ref, evaluation_id, state_before)
      select n.id, n.policy_id, n.n, o.id, ${reason}, ${evidence}, ${by}, ${at}::timestamptz,
        ${requestId}, ${evaluationId}::uuid, ${stateBefore}
      from named n join opened o on o.id = n.case_id
      returning id, case_id, n
    ), moved as (
      -- A denial before the end of cover keeps its reservation: the open case keeps it from expiring.
      update policy p set state = 'IN_REVIEW', state_version = p.state_version + 1,
        updated_at = now()
      where p.id = ${policyId}::uuid and p.state <> 'MONITORING'
    )
    insert into audit_event (at, actor, action, subject, details)
    select ${at}::timestamptz, ${by}, 'policy.appeal', ${`policy:${policyNumber}`},
      jsonb_build_object('reason', ${reason}::text, 'evidence', ${evidence}::text,
        'appealId', f.id, 'caseId', f.case_id, 'n', f.n,
        'before', jsonb_build_object('state', ${stateBefore}::text))
    from filed f`.execute(trx)
}
