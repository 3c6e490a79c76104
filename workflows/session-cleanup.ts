/** One session cleanup: its classes one after the other, some batches a step, as far as time allows. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { SessionCleanupActivities } from '../activities/session-cleanup.ts'
import { MINUTE_MS } from '../domain/time.ts'
import type { SessionCleanupInput, SessionCleanupResult } from '../jobs/session-cleanup.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** Four million rows of a class at the default batch; what is over is left to the next run. */
const STEPS_PER_CLASS = 200

/** No further step is begun after this, so that the run ends within its 30 minutes. */
const LAST_STEP_AFTER_MS = 22 * MINUTE_MS

const { planSessionCleanup } = proxyActivities<SessionCleanupActivities>(SHORT_STEP)
const { cleanUpSessions, countSessions } = proxyActivities<SessionCleanupActivities>({
  startToCloseTimeout: '3 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 2 },
})

type ClassResult = SessionCleanupResult['classes'][number]
type Plan = Awaited<ReturnType<typeof planSessionCleanup>>

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
      : await cleanClass({ ...cut, batchSize }, startedMs)
    classes.push(done)
    setCurrentDetails(classes.map(describe).join('\n'))
  }
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
    const { items, bytes, isComplete } = await cleanUpSessions(cut)
    account = {
      ...account,
      items: account.items + items,
      bytes: account.bytes + bytes,
      isComplete,
    }
  }
  return account
}

function describe({ class: name, items, bytes, isComplete }: ClassResult): string {
  return `- ${name}: ${items}, ${bytes} bytes${isComplete ? '' : ', **more to do**'}`
}
