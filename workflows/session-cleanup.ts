/** One session cleanup: its classes one after the other, some batches a step, as far as time allows. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { SessionCleanupActivities } from '../activities/session-cleanup.ts'
import type { SessionCleanupInput, SessionCleanupResult } from '../jobs/session-cleanup.ts'
import { cleanClass, describeClass, totalOf } from './shared/clean-class.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

const { planSessionCleanup } = proxyActivities<SessionCleanupActivities>(SHORT_STEP)
const { cleanUpSessions, countSessions } = proxyActivities<SessionCleanupActivities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

type ClassResult = SessionCleanupResult['classes'][number]

/** Cleans up. A class that fails ends the run: the next one begins where it ended. */
export async function sessionCleanup(input: SessionCleanupInput): Promise<SessionCleanupResult> {
  const startedMs = Date.now()
  const { isDryRun = false, userName } = input
  const { batchSize, cuts } = await planSessionCleanup(userName === undefined ? {} : { userName })
  const classes: ClassResult[] = []
  for (const cut of cuts) {
    const { class: name, before } = cut
    const done = isDryRun
      ? { class: name, before, ...(await countSessions(cut)) }
      : await cleanClass(cut, startedMs, () => cleanUpSessions({ ...cut, batchSize }))
    classes.push(done)
    setCurrentDetails(classes.map(describeClass).join('\n'))
  }
  return {
    isDryRun,
    classes,
    ...totalOf(classes),
  }
}
