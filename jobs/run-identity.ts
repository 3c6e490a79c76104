/** How a run is named and labelled: by the starter, by schedules and by runs that start runs. */
import type { AnyJob } from './registry.ts'

/** Search attributes of every run, with the server's types. Never personal data: they are plaintext. */
export const RUN_SEARCH_ATTRIBUTES = {
  /** `FLIGHT_MONITOR`. */
  JobType: 'KEYWORD',
  /** What started the run: one of `JOB_TRIGGERS`. */
  JobTrigger: 'KEYWORD',
  /** `HIGH`. */
  JobPriority: 'KEYWORD',
  /** Set by a run that waits: `waiting` for a place, `held`, `retrying`, `parked`; `running` when it goes on. */
  JobState: 'KEYWORD',
} as const

/**
 * What starts runs: a schedule, a task that a person timed, a person through a door, another run, the clock being stepped, a
 * redrive of a run that died, or the start of the platform.
 */
export const JOB_TRIGGERS = [
  'schedule',
  'task',
  'api',
  'cli',
  'run',
  'clock',
  'redrive',
  'startup',
] as const

/** What a run was started by. */
export type JobTrigger = (typeof JOB_TRIGGERS)[number]

/** The signal that tells a waiting run that it has its place. */
export const PLACE_GRANTED = 'placeGranted'

/** `payout:5f0c...`: the job's name and the business key of the input. Input must be valid. */
export function workflowIdOf(job: AnyJob, input: Readonly<Record<string, unknown>>): string {
  return `${job.name}:${job.workflowKey(input)}`
}

/**
 * The ids under which a start may run, the first that is free: of a job whose starts queue one for the
 * run at work and one for each that may wait, `report:2013-02:2`; else only the id itself.
 */
export function startIdsOf({ onConflict }: AnyJob, workflowId: string): string[] {
  if (onConflict.whileOpen !== 'queue') return [workflowId]
  const waiting = Array.from(
    { length: onConflict.waitingAtMost },
    (_, i) => `${workflowId}:${i + 2}`,
  )
  return [workflowId, ...waiting]
}
