/** Looks at decided legs page by page, as far as time allows. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { CorrectionWatchActivities } from '../activities/correction-watch.ts'
import { MINUTE_MS } from '../domain/time.ts'
import type { CorrectionWatchInput, CorrectionWatchResult } from '../jobs/correction-watch.ts'
import { STEP_RETRY } from './shared/steps.ts'

/** 10,000 legs: more than a day of a large book has. What is over is left to the next run. */
const PAGES_PER_RUN = 40

/** No further page is begun after this, so that the run ends within its time of 10 minutes. */
const LAST_PAGE_AFTER_MS = 6 * MINUTE_MS

const { watchCorrections } = proxyActivities<CorrectionWatchActivities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '15 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 3 },
})

/** Returns the run's account. */
export async function correctionWatch(
  _input: CorrectionWatchInput,
): Promise<CorrectionWatchResult> {
  const startedMs = Date.now()
  let account = await watchCorrections()
  for (let pages = 1; !account.isComplete && pages < PAGES_PER_RUN; pages += 1) {
    if (Date.now() - startedMs > LAST_PAGE_AFTER_MS) break
    setCurrentDetails(describe(account))
    account = add(account, await watchCorrections())
  }
  setCurrentDetails(describe(account))
  return account
}

function add(some: CorrectionWatchResult, more: CorrectionWatchResult): CorrectionWatchResult {
  return {
    looked: some.looked + more.looked,
    asked: some.asked + more.asked,
    failed: some.failed + more.failed,
    higher: some.higher + more.higher,
    lower: some.lower + more.lower,
    isComplete: more.isComplete,
  }
}

function describe(account: CorrectionWatchResult): string {
  const { looked, asked, higher, lower, isComplete } = account
  const more = isComplete ? '' : ', **more to do**'
  return `${looked} legs, ${asked} asked about, ${higher} owe more, ${lower} were paid too much${more}`
}
