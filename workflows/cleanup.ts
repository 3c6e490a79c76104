/** One cleanup: its classes one after the other, some batches a step, as far as time allows. */
import { ApplicationFailure } from '@temporalio/common'
import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
} from '@temporalio/workflow'

import type { CleanupActivities } from '../activities/cleanup.ts'
import { MINUTE_MS } from '../domain/time.ts'
import type { CleanupInput, CleanupResult } from '../jobs/cleanup.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** Four million things of a class at the default batch; what is over is left to the next run. */
const STEPS_PER_CLASS = 200

/** No further step is begun after this, so that the run ends within its 30 minutes. */
const LAST_STEP_AFTER_MS = 22 * MINUTE_MS

const { planCleanup } = proxyActivities<CleanupActivities>(SHORT_STEP)
const { cleanUp, countAged } = proxyActivities<CleanupActivities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

type ClassResult = CleanupResult['classes'][number]
type Plan = Awaited<ReturnType<typeof planCleanup>>

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
        : await cleanClass({ ...cut, batchSize }, startedMs)
      classes.push(done)
    } catch (error) {
      if (isCancellation(error)) throw error
      failures.push(`${cut.class}: ${reasonOf(error)}`)
    }
    setCurrentDetails(
      [...classes.map(describe), ...failures.map((why) => `- **${why}**`)].join('\n'),
    )
  }
  if (failures.length > 0) throw cleanupFailed(failures)
  return {
    isDryRun,
    classes,
    items: classes.reduce((sum, { items }) => sum + items, 0),
    bytes: classes.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

async function cleanClass(
  cut: Plan['cuts'][number] & { readonly batchSize: number },
  startedMs: number,
): Promise<ClassResult> {
  const { class: name, before } = cut
  let account: ClassResult = { class: name, before, items: 0, bytes: 0, isComplete: false }
  for (let step = 0; step < STEPS_PER_CLASS && !account.isComplete; step += 1) {
    if (Date.now() - startedMs > LAST_STEP_AFTER_MS) break
    const { items, bytes, isComplete } = await cleanUp(cut)
    account = {
      ...account,
      items: account.items + items,
      bytes: account.bytes + bytes,
      isComplete,
    }
  }
  return account
}

/** The activity's own words, not those of the layers around it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

function describe({ class: name, items, bytes, isComplete }: ClassResult): string {
  return `- ${name}: ${items}, ${bytes} bytes${isComplete ? '' : ', **more to do**'}`
}

function cleanupFailed(failures: readonly string[]): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the rest was cleaned up, but not ${failures.join('; ')}`,
    type: 'CleanupFailed',
    nonRetryable: true,
  })
}
