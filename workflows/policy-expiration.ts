/** One sweep over the policies whose cover has ended, some pages a step, as far as time allows. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { ExpiryStep, PolicyExpirationActivities } from '../activities/policy-expiration.ts'
import { addTotals } from '../domain/expiry.ts'
import { MINUTE_MS } from '../domain/time.ts'
import type { PolicyExpirationInput, PolicyExpirationResult } from '../jobs/policy-expiration.ts'
import { STEP_RETRY } from './shared/steps.ts'

/** Half a million policies. What is over is left to the next run, which begins with it. */
const STEPS_PER_RUN = 50

/** No further step is begun after this, so that the run ends within its time of 300 s. */
const LAST_STEP_AFTER_MS = 3 * MINUTE_MS

const { expirePolicies } = proxyActivities<PolicyExpirationActivities>({
  startToCloseTimeout: '90 seconds',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 3 },
})

/** Expires what may expire. Returns the sweep's account. */
export async function policyExpiration(
  _input: PolicyExpirationInput,
): Promise<PolicyExpirationResult> {
  const startedMs = Date.now()
  let step = await expirePolicies({ after: null, oldestOpen: null })
  let account = accountOf(step)
  for (let steps = 1; !step.isComplete && steps < STEPS_PER_RUN; steps += 1) {
    if (Date.now() - startedMs > LAST_STEP_AFTER_MS) break
    setCurrentDetails(describe(account))
    step = await expirePolicies({ after: step.after, oldestOpen: step.oldestOpen })
    account = add(account, accountOf(step))
  }
  setCurrentDetails(describe(account))
  return account
}

function accountOf({ decided, ...step }: ExpiryStep): PolicyExpirationResult {
  return {
    businessNow: step.now,
    expired: step.expired,
    released: [...step.released],
    policiesPaid: decided.policiesPaid,
    policiesNotPaid: decided.policiesNotPaid,
    policiesInReview: decided.policiesInReview + step.inReview,
    payoutsCreated: decided.payoutsCreated,
    held: step.held,
    waiting: step.waiting,
    closed: step.closed ?? 0,
    isComplete: step.isComplete,
  }
}

function add(some: PolicyExpirationResult, more: PolicyExpirationResult): PolicyExpirationResult {
  return {
    businessNow: some.businessNow,
    expired: some.expired + more.expired,
    released: addTotals(some.released, more.released),
    policiesPaid: some.policiesPaid + more.policiesPaid,
    policiesNotPaid: some.policiesNotPaid + more.policiesNotPaid,
    policiesInReview: some.policiesInReview + more.policiesInReview,
    payoutsCreated: some.payoutsCreated + more.payoutsCreated,
    held: some.held + more.held,
    waiting: some.waiting + more.waiting,
    closed: (some.closed ?? 0) + (more.closed ?? 0),
    isComplete: more.isComplete,
  }
}

function describe(account: PolicyExpirationResult): string {
  const { expired, held, waiting, policiesInReview, businessNow } = account
  return (
    `at ${businessNow}: ${expired} expired, ${policiesInReview} to review, ${held} held, ` +
    `${waiting} waiting${account.isComplete ? '' : ', **more to do**'}`
  )
}
