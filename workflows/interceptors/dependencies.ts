/**
 * Lets the scheduled run of a job that declares `after` begin only when the jobs named there have
 * succeeded for its nominal time. Runs that people start do not wait: they know what they do.
 */
import {
  ApplicationFailure,
  patched,
  proxyActivities,
  setCurrentDetails,
  sleep,
  workflowInfo,
  type WorkflowInterceptors,
} from '@temporalio/workflow'

import type { DependenciesActivities } from '../../activities/dependencies.ts'
import { AFTER_WAIT_MS } from '../../jobs/define-job.ts'
import { findJobOfWorkflow, type AnyJob } from '../../jobs/registry.ts'
import { showState } from '../shared/job-state.ts'
import { nominalTime } from '../shared/nominal-time.ts'
import { SHORT_STEP } from '../shared/steps.ts'

const { checkDependencies } = proxyActivities<DependenciesActivities>(SHORT_STEP)

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        execute: async (input, next) => {
          const { workflowType, searchAttributes } = workflowInfo()
          const job = findJobOfWorkflow(workflowType)
          const isScheduled = searchAttributes['TemporalScheduledById']?.[0] === job?.name
          // Runs that were open before jobs could wait go on without.
          if (job?.after !== undefined && isScheduled && patched('2026-11-after')) {
            await untilSucceeded(job, job.after)
          }
          return next(input)
        },
      },
    ],
  }
}

/** Looks are 1 s, 2 s, 4 s ... apart, a minute at most: some 15 in ten minutes. */
const LONGEST_PAUSE_MS = 60_000

async function untilSucceeded(job: AnyJob, after: readonly string[]): Promise<void> {
  const nominalAt = nominalTime()
  const untilMs = Date.now() + (job.afterWaitMs ?? AFTER_WAIT_MS)
  let isWaiting = false
  for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const verdict = await checkDependencies({ job: job.name, after, nominalAt })
    if (verdict.kind === 'succeeded') break
    const leftMs = untilMs - Date.now()
    if (verdict.kind === 'failed' || leftMs <= 0) {
      const wait = verdict.kind === 'failed' ? '' : ', and it was waited for as long as allowed'
      const message = `${job.name} of ${nominalAt} did nothing: ${verdict.reason}${wait}`
      throw ApplicationFailure.create({ message, type: 'DependencyFailed', nonRetryable: true })
    }
    if (!isWaiting) showState('waiting')
    isWaiting = true
    setCurrentDetails(`waits: ${verdict.reason}`)
    // The server has no finer timers than a second.
    await sleep(Math.max(1_000, Math.min(pauseMs, leftMs)))
  }
  if (isWaiting) showState('running')
}
