/** One cleanup: its classes one after the other, some batches a step, as far as time allows. */
import { ApplicationFailure } from '@temporalio/common'
import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow'

import type { CleanupActivities } from '../activities/cleanup.ts'
import type { CleanupInput, CleanupResult } from '../jobs/cleanup.ts'
import { cleanClass, describeClass, totalOf } from './shared/clean-class.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

const { planCleanup } = proxyActivities<CleanupActivities>(SHORT_STEP)
const { cleanUp, countAged } = proxyActivities<CleanupActivities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

type ClassResult = CleanupResult['classes'][number]

/** Cleans up. Fails when a class failed, after all others were done. */
export async function cleanup(input: CleanupInput): Promise<CleanupResult> {
  const startedMs = Date.now()
  const { isDryRun = false, ...request } = input
  const { batchSize, cuts } = await planCleanup(request)
  const classes: ClassResult[] = []
  const failures: string[] = []
  for (const cut of cuts) {
    try {
      const done = isDryRun
        ? { ...cut, ...(await countAged(cut)) }
        : await cleanClass(cut, startedMs, () => cleanUp({ ...cut, batchSize }))
      classes.push(done)
    } catch (error) {
      if (isCancellation(error)) throw error
      failures.push(`${cut.class}: ${reasonOf(error)}`)
    }
    setCurrentDetails(
      [...classes.map(describeClass), ...failures.map((why) => `- **${why}**`)].join('\n'),
    )
  }
  if (failures.length > 0) throw cleanupFailed(failures)
  return {
    isDryRun,
    classes,
    ...totalOf(classes),
  }
}

/** The activity's own words, not those of the layers around it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

function cleanupFailed(failures: readonly string[]): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the rest was cleaned up, but not ${failures.join('; ')}`,
    type: 'CleanupFailed',
    nonRetryable: true,
  })
}
