/** One request of a person: answered, or looked at again until what keeps it from being answered ends. */
import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow'

import type { PrivacyRequestActivities } from '../activities/privacy-request.ts'
import type { PrivacyRequestInput, PrivacyRequestResult } from '../jobs/privacy-request.ts'
import { LONG_STEP } from './shared/steps.ts'

/** Looks of one run: a month of one every six hours, and some more. */
const LOOKS_AT_MOST = 140

const { answerRequest } = proxyActivities<PrivacyRequestActivities>(LONG_STEP)

/** Answers it. The step itself refuses what is still kept from being answered when its time ends. */
export async function privacyRequest({
  requestId,
}: PrivacyRequestInput): Promise<PrivacyRequestResult> {
  for (let looks = 1; ; looks += 1) {
    const answer = await answerRequest({ requestId })
    if (answer.outcome === 'fulfilled') {
      return { requestId, outcome: answer.outcome, looks, bytes: answer.bytes }
    }
    if (answer.outcome === 'refused') return { requestId, outcome: answer.outcome, looks }
    const { outcome, block, lookAgainMs } = answer
    setCurrentDetails(`waits: ${block}, look ${looks}`)
    if (looks === LOOKS_AT_MOST) return { requestId, outcome, looks, block }
    await sleep(lookAgainMs)
  }
}
