/**
 * Lets a run of a job with limits begin when it has its place, and gives the place back at its end. Jobs
 * without limits are left alone: their histories have nothing of this.
 */
import {
  CancellationScope,
  condition,
  defineSignal,
  log,
  patched,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
  type WorkflowInterceptors,
} from '@temporalio/workflow'

import type { JobPlaceActivities } from '../../activities/job-places.ts'
import type { PlaceRequest } from '../../domain/ports/job-places.ts'
import { PRIORITY_KEYS } from '../../jobs/define-job.ts'
import { findJobOfWorkflow, type AnyJob } from '../../jobs/registry.ts'
import { PLACE_GRANTED } from '../../jobs/run-identity.ts'
import { showState } from '../shared/job-state.ts'
import { STEP_RETRY, UNLIMITED_RETRY } from '../shared/steps.ts'

// Not steps of the queue: these wait behind others, for hours where one takes all there is.
const { askForPlace } = proxyLocalActivities<JobPlaceActivities>({
  startToCloseTimeout: '20 seconds',
  retry: UNLIMITED_RETRY,
})
const { releasePlace } = proxyLocalActivities<JobPlaceActivities>({
  startToCloseTimeout: '20 seconds',
  retry: STEP_RETRY,
})

const placeGranted = defineSignal(PLACE_GRANTED)

/** Interceptors of a run, as the SDK asks for them. */
export function interceptors(): WorkflowInterceptors {
  return {
    inbound: [
      {
        execute: async (input, next) => {
          const job = findJobOfWorkflow(workflowInfo().workflowType)
          // A run that began before its job had limits goes on without a place.
          if (job?.limits === undefined || !patched('2026-11-job-places')) return next(input)
          return withPlace(requestOf(job), () => next(input))
        },
      },
    ],
  }
}

function requestOf({ name: job }: AnyJob): PlaceRequest {
  const { workflowId, runId, priority } = workflowInfo()
  return { job, workflowId, runId, priority: priority?.priorityKey ?? PRIORITY_KEYS.MEDIUM }
}

async function withPlace<T>(request: PlaceRequest, work: () => Promise<T>): Promise<T> {
  try {
    await untilGranted(request)
    return await work()
  } finally {
    await CancellationScope.nonCancellable(() => giveBack(request))
  }
}

/** Ends with the place, with the run's cancellation, or with the run: its time-out bounds the wait. */
async function untilGranted(request: PlaceRequest): Promise<void> {
  let isWoken = false
  setHandler(placeGranted, () => {
    isWoken = true
  })
  let hasWaited = false
  for (;;) {
    isWoken = false
    const place = await askForPlace(request)
    if (place.isGranted) {
      if (place.startInMs > 0) await sleep(place.startInMs)
      break
    }
    if (!hasWaited) showState('waiting')
    hasWaited = true
    setCurrentDetails(`waits for a place: ${place.held} at work, ${place.ahead} before it`)
    await condition(() => isWoken, place.lookInMs)
  }
  if (hasWaited) showState('running')
}

/** A place that is not given back is found by whoever waits for it: the run is not held up. */
async function giveBack(request: PlaceRequest): Promise<void> {
  try {
    await releasePlace(request)
  } catch (error) {
    log.warn('job-place-not-given-back', { job: request.job, error })
  }
}
