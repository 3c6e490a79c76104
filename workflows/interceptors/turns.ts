/**
 * Lets a run of a job whose starts queue do nothing until it is its turn, and gives it its whole time
 * from then on. Only runs that came through our doors take turns: the start says so in their memo.
 */
import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
  type WorkflowInterceptors,
} from '@temporalio/workflow'

import type { TurnsActivities } from '../../activities/turns.ts'
import { findJobOfWorkflow, type AnyJob } from '../../jobs/registry.ts'
import { showState } from '../shared/job-state.ts'
import { SHORT_STEP, UNLIMITED_RETRY } from '../shared/steps.ts'

// Never given up: a run that waits costs nothing, and its own time bounds it.
const { takeTurn } = proxyActivities<TurnsActivities>({ ...SHORT_STEP, retry: UNLIMITED_RETRY })

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        execute: async (input, next) => {
          const { workflowType, memo = {} } = workflowInfo()
          const job = findJobOfWorkflow(workflowType)
          const { turnKey } = memo
          if (job === undefined || typeof turnKey !== 'string') return next(input)
          await untilTurn(job, turnKey)
          return withinTime(job, () => next(input))
        },
      },
    ],
  }
}

/** Looks are 1 s, 2 s, 4 s ... apart, half a minute at most. */
const LONGEST_PAUSE_MS = 30_000

async function untilTurn({ name: job }: AnyJob, turnKey: string): Promise<void> {
  const { workflowId, firstExecutionRunId: firstRunId } = workflowInfo()
  let isWaiting = false
  for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const answer = await takeTurn({ job, turnKey, workflowId, firstRunId })
    if (answer.kind === 'taken') break
    if (!isWaiting) showState('waiting')
    isWaiting = true
    setCurrentDetails(`waits for its turn, behind ${answer.behind}`)
    await sleep(pauseMs)
  }
  if (isWaiting) showState('running')
}

/** The server's time-out of the run covers its wait too, so the time of its work is kept here. */
async function withinTime({ name, timeoutMs }: AnyJob, work: () => Promise<unknown>) {
  // Jobs whose starts wait their turn name a time.
  if (typeof timeoutMs !== 'number') return work()
  const scope = new CancellationScope({ cancellable: true, timeout: timeoutMs })
  try {
    return await scope.run(work)
  } catch (error) {
    const isOver = scope.consideredCancelled && !CancellationScope.current().consideredCancelled
    if (!isOver || !isCancellation(error)) throw error
    const message = `${name} took longer than ${timeoutMs / 1_000} s`
    const cause = error instanceof Error ? { cause: error } : {}
    throw ApplicationFailure.create({ message, type: 'RunTimeout', ...cause })
  }
}
