/** How the steps of jobs are retried; the one place where these numbers stand. */
import type { ActivityOptions, RetryPolicy } from '@temporalio/workflow'

/** 1 s, 2 s, 4 s ... 10 s. A step that fails five times fails its run, which has retries itself. */
export const STEP_RETRY: RetryPolicy = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '10 seconds',
  maximumAttempts: 5,
}

/** For steps on which much waits, owed money first: never given up, a minute apart at most. */
export const UNLIMITED_RETRY: RetryPolicy = {
  initialInterval: '1 second',
  backoffCoefficient: 2,
  maximumInterval: '1 minute',
}

/** A pass over the book or over files: minutes, with heartbeats. */
export const LONG_STEP: ActivityOptions = {
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '10 seconds',
  retry: { ...STEP_RETRY, maximumAttempts: 3 },
}

/** One statement or a few: short, without heartbeats. */
export const SHORT_STEP: ActivityOptions = {
  startToCloseTimeout: '20 seconds',
  retry: STEP_RETRY,
}
