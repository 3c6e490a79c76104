/** Which queues have jobs, and with whose activities: follows from the registry. */
import type { JobQueue } from '../jobs/define-job.ts'
import { allJobs, type JobName } from '../jobs/registry.ts'

/** Activities of a family, by name. */
export type ActivityFamily = Record<string, (...args: never[]) => Promise<unknown>>

/** The activities of every job. A job without its line does not compile. */
export type ActivitiesByJob = Readonly<Record<JobName, ActivityFamily>>

/** Queues that some job runs on, in the registry's order. */
export function queuesInUse(): JobQueue[] {
  return [...new Set(allJobs().map((job) => job.queue))]
}

/** All activities of a queue, with those of places where one of its jobs has limits. Throws TypeError when two jobs of it call theirs by the same name. */
export function activitiesOfQueue(
  queue: JobQueue,
  byJob: ActivitiesByJob,
  ofPlaces: ActivityFamily,
  /** Of jobs of packs, by job; jobs of one pack share a family. */
  ofPacks: ReadonlyMap<string, ActivityFamily> = new Map(),
): ActivityFamily {
  const jobs = allJobs().filter((job) => job.queue === queue)
  const merged = jobs.some(({ limits }) => limits !== undefined) ? { ...ofPlaces } : {}
  for (const { name } of jobs) {
    const family = ofPacks.get(name) ?? byJob[name as JobName] // `allJobs` is made of exactly these
    for (const [activity, run] of Object.entries(family)) {
      if (activity in merged && merged[activity] !== run) {
        throw new TypeError(`queue ${queue} has two activities ${activity}`)
      }
      merged[activity] = run
    }
  }
  return merged
}
