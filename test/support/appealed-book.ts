/** A book whose decisions are appealed, looked at again by people, corrected, paid and closed. */
import { sql } from 'kysely'

import { createAppealStore } from '../../db/stores/appeal-store.ts'
import { createCorrectionStore } from '../../db/stores/correction-store.ts'
import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import { legKey } from '../../domain/leg.ts'
import { parseReviewDecision, type DecisionFields } from '../../domain/review-decision.ts'
import { addMs, DAY_MS, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { appealPolicy } from '../../operations/appeal-policy.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { decideReview } from '../../operations/decide-review.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { watchCorrections } from '../../operations/watch-corrections.ts'
import { arrivedRecord, B6_35, identityOf, rowOf } from './builders.ts'
import { createPayoutStores, type startPaymentRig } from './payment-rig.ts'
import { after, arrived, book, type Book } from './watched-book.ts'

/** Two people. */
export const ANA = { by: 'user:ana', reason: 'carrier report seen' }
export const BEN = { by: 'user:ben', reason: 'checked as well' }

type Rig = Awaited<ReturnType<typeof startPaymentRig>>

/** The rail of a test file knows payouts by their policies' numbers, whatever database they are in. */
let books = 0

/** One policy of FD45, decided on an arrival `delayMin` late: at 44 denied, at 45 owed 7,500 of 25,000. */
export async function decidedBook(delayMin: number): Promise<Book> {
  books += 1
  const it = await book([rowOf(B6_35, `P${books}`)])
  await it.settle(arrived(delayMin), after(delayMin))
  await it.decide()
  return it
}

/** Denied, and expired at the end of cover. */
export async function expiredBook(delayMin = 44): Promise<Book> {
  const it = await decidedBook(delayMin)
  await expireAt(it, DAY_MS)
  return it
}

/** Runs expiry, and closing, so long after the insured arrival. */
export async function expireAt(it: Book, afterArrivalMs: number): Promise<void> {
  const { db, clock, decisionStore } = it
  clock.set(addMs(B6_35.scheduledIn, afterArrivalMs))
  // As if everything queued had been told.
  await sql`delete from notification_fact`.execute(db)
  await expirePolicies(
    { expiryStore: createExpiryStore(db), decisionStore, clock },
    { after: null, oldestOpen: null },
    { maxPages: 9 },
  )
}

/** The number of the one policy. */
export async function numberOf({ db }: Book): Promise<string> {
  const { rows } = await sql<{ number: string }>`
    select policy_number as number from policy`.execute(db)
  return rows[0]?.number ?? ''
}

/** Takes an appeal of the policy. */
export async function appeal(it: Book, change: { readonly requestId?: string } = {}) {
  const { db, clock } = it
  const policyNumber = await numberOf(it)
  const asked = { policyNumber, by: 'user:ana', reason: 'doors opened at 45' }
  const input = { ...asked, evidence: 'boarding pass 17', requestId: null, ...change }
  return appealPolicy({ appealStore: createAppealStore(db), clock }, input)
}

/** Decides the newest open case of the reason. */
export async function decide(
  { db, clock }: Book,
  fields: DecisionFields,
  who: typeof ANA & { readonly requestId?: string } = ANA,
  reasonCode = 'APPEAL',
) {
  const { rows } = await sql<{ id: string }>`
    select id from review_case where reason_code = ${reasonCode}
    order by state = 'RESOLVED', opened_at desc limit 1`.execute(db)
  const deps = {
    ...createPayoutStores(db),
    reviewDecisions: createReviewDecisions(db),
    payoutRuns: { carryOn: () => Promise.reject(new Error('no payout is asked for here')) },
    clock,
  }
  const decision = parseReviewDecision(fields)
  return decideReview(deps, { caseId: rows[0]?.id ?? '', decision, ...who })
}

/** Pays whatever is to be paid. */
export async function payAll({ db, clock }: Book, { payments }: Rig): Promise<void> {
  const stores = createPayoutStores(db)
  const { rows } = await sql<{ id: string }>`
    select id from payout where state = 'CREATED' order by id`.execute(db)
  const payoutIds = rows.map(({ id }) => id)
  await approvePayouts({ ...stores, clock }, { payoutIds })
  await submitPayouts({ ...stores, payments, clock }, { payoutIds })
}

/** The source now says another arrival, seen twice by the watch of corrections. */
export async function correctTo(it: Book, delayMin: number): Promise<void> {
  const { db, flightData, clock } = it
  const deps = {
    correctionStore: createCorrectionStore(db),
    legStore: createLegStore(db),
    ...it,
  }
  flightData.shown.set(legKey(identityOf(B6_35)), [arrivedRecord(B6_35, delayMin)])
  clock.pass(6 * HOUR_MS)
  await watchCorrections(deps, { concurrency: 4 })
  clock.pass(15 * MINUTE_MS)
  await watchCorrections(deps, { concurrency: 4 })
}

/** The policy with its payouts and appeals: `PAID RELEASED 7500 | STANDS carrier report seen`. */
export async function line({ db }: Book): Promise<string> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', p.state, e.state, (
      select string_agg(o.amount_minor::text, ' ' order by o.revision) from payout o
      where o.policy_id = p.id), (
      select string_agg(concat_ws(' ', '|', coalesce(a.result, 'OPEN'), a.more_minor, a.grounds), ' '
        order by a.n) from appeal a where a.policy_id = p.id)) as line
    from policy p join escrow_reservation e on e.policy_id = p.id`.execute(db)
  return rows.map((row) => row.line).join('; ')
}
