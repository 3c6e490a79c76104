/** Books of decided policies, one a leg, whose decisions are appealed, looked at again, corrected and paid. */
import { sql } from 'kysely'

import { createAppealStore } from '../../db/stores/appeal-store.ts'
import { createCorrectionStore } from '../../db/stores/correction-store.ts'
import { createExpiryStore } from '../../db/stores/expiry-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import { legKey } from '../../domain/leg.ts'
import type { NewAppeal } from '../../domain/ports/appeal-store.ts'
import { parseReviewDecision, type DecisionFields } from '../../domain/review-decision.ts'
import { addMs, HOUR_MS, MINUTE_MS } from '../../domain/time.ts'
import { appealPolicy } from '../../operations/appeal-policy.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { decideReview } from '../../operations/decide-review.ts'
import { expirePolicies } from '../../operations/expire-policies.ts'
import { submitPayouts } from '../../operations/submit-payouts.ts'
import { watchCorrections } from '../../operations/watch-corrections.ts'
import { arrivedRecord, B6_35, identityOf, manyLegs, rowOf } from './builders.ts'
import { createPayoutStores, type startPaymentRig } from './payment-rig.ts'
import { book, type Book } from './watched-book.ts'

/** Two people. */
export const ANA = { by: 'user:ana', reason: 'carrier report seen' }
export const BEN = { by: 'user:ben', reason: 'checked as well' }

type Rig = Awaited<ReturnType<typeof startPaymentRig>>

/** A minute late they are denied, later owed 7,500 of 25,000 minor units under FD45. */
export const DENIED = 44
export const OWED = 45

/** One policy of a book. */
export type Appealed = { readonly it: Book; readonly number: string }

/**
 * A policy of FD45 on a leg of its own for each delay, in its order; decided, nothing paid or expired.
 * Null is a leg that has not arrived. A rail knows payouts by their policies, so each book of a test file
 * needs a letter of its own.
 */
export async function decidedBook(letter: string, delays: readonly (number | null)[]) {
  const legs = manyLegs(delays.length)
  const numbers = legs.map((_, index) => `${letter}${index}`)
  const rows = legs.map((leg, index) => rowOf(leg, numbers[index] ?? ''))
  const it = await book(rows, legs)
  for (const [index, leg] of legs.entries()) {
    const delayMin = delays[index] ?? null
    if (delayMin !== null) {
      it.flightData.shown.set(legKey(identityOf(leg)), [arrivedRecord(leg, delayMin)])
    }
  }
  it.clock.set(addMs(B6_35.scheduledIn, 2 * HOUR_MS))
  await it.poll()
  it.clock.pass(HOUR_MS)
  await it.poll()
  await it.decide()
  return { it, policies: numbers.map((number): Appealed => ({ it, number })) }
}

/** Runs expiry, and closing, so long after the insured arrival; as if everything queued had been told. */
export async function expireAt(it: Book, afterArrivalMs: number): Promise<void> {
  const { db, clock, decisionStore } = it
  clock.set(addMs(B6_35.scheduledIn, afterArrivalMs))
  await sql`delete from notification_fact`.execute(db)
  const deps = { expiryStore: createExpiryStore(db), decisionStore, clock }
  await expirePolicies(deps, { after: null, oldestOpen: null }, { maxPages: 9 })
}

/** Takes an appeal of the policy. */
export async function appeal(
  { it: { db, clock }, number }: Appealed,
  change: { readonly requestId?: string; readonly at?: NewAppeal['at'] } = {},
) {
  const { requestId = null, at = await clock.now() } = change
  const asked = { policyNumber: number, by: 'user:ana', reason: 'doors opened at 45', requestId }
  const deps = { appealStore: createAppealStore(db), clock: { now: async () => at } }
  return appealPolicy(deps, { ...asked, evidence: 'boarding pass 17' })
}

/** Decides the newest open case of the reason about the policy or its leg. */
export async function decide(
  { it: { db, clock }, number }: Appealed,
  fields: DecisionFields,
  who: typeof ANA & { readonly requestId?: string } = ANA,
  reasonCode = 'APPEAL',
) {
  const { rows } = await sql<{ id: string }>`
    select r.id from review_case r join policy p on r.subject_id in (p.id, p.leg_id)
    where r.reason_code = ${reasonCode} and p.policy_number = ${number}
    order by r.state = 'RESOLVED', r.opened_at desc limit 1`.execute(db)
  const deps = {
    ...createPayoutStores(db),
    reviewDecisions: createReviewDecisions(db),
    payoutRuns: { carryOn: () => Promise.reject(new Error('no payout is asked for here')) },
    clock,
  }
  const decision = parseReviewDecision(fields)
  return decideReview(deps, { caseId: rows[0]?.id ?? '', decision, ...who })
}

/** Pays whatever is to be paid to the holders of these policies. */
export async function pay(policies: readonly Appealed[], { payments }: Rig): Promise<void> {
  const [first] = policies
  if (first === undefined) return
  const { db, clock } = first.it
  const stores = createPayoutStores(db)
  const numbers = policies.map(({ number }) => number)
  const { rows } = await sql<{ id: string }>`
    select o.id from payout o join policy p on p.id = o.policy_id
    where o.state = 'CREATED' and p.policy_number = any(${numbers}) order by o.id`.execute(db)
  const payoutIds = rows.map(({ id }) => id)
  await approvePayouts({ ...stores, clock }, { payoutIds })
  await submitPayouts({ ...stores, payments, clock }, { payoutIds })
}

/** The source now says another arrival of every leg, seen twice by the watch of corrections. */
export async function correctTo(it: Book, delayMin: number): Promise<void> {
  const { db, flightData, clock } = it
  const deps = {
    correctionStore: createCorrectionStore(db),
    legStore: createLegStore(db),
    ...it,
  }
  for (const leg of manyLegs(it.legIds.length)) {
    flightData.shown.set(legKey(identityOf(leg)), [arrivedRecord(leg, delayMin)])
  }
  clock.pass(6 * HOUR_MS)
  await watchCorrections(deps, { concurrency: 4 })
  clock.pass(15 * MINUTE_MS)
  await watchCorrections(deps, { concurrency: 4 })
}

/** The policy with its payouts and appeals: `PAID RELEASED 7500 | STANDS carrier report seen`. */
export async function line({ it: { db }, number }: Appealed): Promise<string> {
  const { rows } = await sql<{ line: string }>`
    select concat_ws(' ', p.state, e.state, (
      select string_agg(o.amount_minor::text, ' ' order by o.revision) from payout o
      where o.policy_id = p.id), (
      select string_agg(concat_ws(' ', '|', coalesce(a.result, 'OPEN'), a.more_minor, a.grounds), ' '
        order by a.n) from appeal a where a.policy_id = p.id)) as line
    from policy p join escrow_reservation e on e.policy_id = p.id
    where p.policy_number = ${number}`.execute(db)
  return rows[0]?.line ?? ''
}
