/**
 * Takes and gives back the places of runs whose job has limits. A place belongs to its run, not to a worker:
 * it is free again when the run gives it back, or when somebody who waits finds that the run has ended.
 */
import { JOBS_LIMITS, limitsInForce, type LimitsInForce } from '../domain/job-limits.ts'
import type { JobPlaces, PlacedRun, PlacedRuns, PlaceRequest } from '../domain/ports/job-places.ts'
import type { SettingStore } from '../domain/ports/setting-store.ts'
import { SECOND_MS } from '../domain/time.ts'
import { findJob } from '../jobs/registry.ts'

/** What places work over. */
export type JobPlaceDeps = {
  readonly jobPlaces: JobPlaces
  readonly placedRuns: PlacedRuns
  readonly settingStore: Pick<SettingStore, 'read'>
  /** Milliseconds after which a run that may be next looks again by itself. Default 10,000. */
  readonly lookEveryMs?: number
}

/** What a run is told that asked for its place. */
export type PlaceAnswer =
  | { readonly isGranted: true; readonly startInMs: number }
  | {
      readonly isGranted: false
      readonly ahead: number
      readonly held: number
      /** Milliseconds after which it asks again, if nobody wakes it. */
      readonly lookInMs: number
    }

const LOOK_EVERY_MS = 10 * SECOND_MS

/** Those far behind look this much less often: many may wait for long. */
const FAR_BEHIND = 6

/** Timers of the server are no finer. */
const LEAST_LOOK_MS = SECOND_MS

/** More cannot be asked for at once: each that has ended makes room for one. */
const WAKES_AT_MOST = 1_000

/** Asks for the run's place, or how it stands; repeating asks once. Wakes others that got theirs. */
export async function askForPlace(deps: JobPlaceDeps, request: PlaceRequest): Promise<PlaceAnswer> {
  const { jobPlaces, lookEveryMs = LOOK_EVERY_MS } = deps
  const limits = await limitsOf(deps, request.job)
  let { place, granted } = await jobPlaces.ask(request, limits)
  await wakeAll(deps, request.job, limits, granted)
  if (!place.isGranted && (await freeEnded(deps, request.job, limits))) {
    ;({ place, granted } = await jobPlaces.ask(request, limits))
    await wakeAll(deps, request.job, limits, granted)
  }
  if (place.isGranted) return place
  const { ahead, held, turnInMs } = place
  const free = limits.concurrent === null ? Infinity : limits.concurrent - held
  if (turnInMs !== null && ahead < free) {
    const lookInMs = Math.min(Math.max(turnInMs, LEAST_LOOK_MS), lookEveryMs)
    return { isGranted: false, ahead, held, lookInMs }
  }
  const isNear = ahead < (limits.concurrent ?? Infinity)
  return { isGranted: false, ahead, held, lookInMs: lookEveryMs * (isNear ? 1 : FAR_BEHIND) }
}

/** Gives the run's place back and wakes those that get it. May be repeated. */
export async function releasePlace(
  deps: JobPlaceDeps,
  { job, runId }: Pick<PlaceRequest, 'job' | 'runId'>,
): Promise<void> {
  const limits = await limitsOf(deps, job)
  await wakeAll(deps, job, limits, await deps.jobPlaces.release(job, runId, limits))
}

async function limitsOf({ settingStore }: JobPlaceDeps, job: string): Promise<LimitsInForce> {
  return limitsInForce(job, findJob(job)?.limits ?? {}, await settingStore.read(JOBS_LIMITS))
}

/** A run that has ended meanwhile has no use for its place: the next one gets it. */
async function wakeAll(
  { jobPlaces, placedRuns }: JobPlaceDeps,
  job: string,
  limits: LimitsInForce,
  granted: readonly PlacedRun[],
): Promise<void> {
  const waiting = [...granted]
  for (let i = 0; i < WAKES_AT_MOST; i += 1) {
    const run = waiting.shift()
    if (run === undefined) return
    if (await placedRuns.wake(run)) continue
    waiting.push(...(await jobPlaces.release(job, run.runId, limits)))
  }
}

/** Runs that were terminated or timed out gave nothing back. True when a place became free. */
async function freeEnded(deps: JobPlaceDeps, job: string, limits: LimitsInForce): Promise<boolean> {
  const { jobPlaces, placedRuns, lookEveryMs = LOOK_EVERY_MS } = deps
  const unseen = await jobPlaces.listUnseen(job, lookEveryMs / 2, 2 * FAR_BEHIND * lookEveryMs)
  const open: string[] = []
  let hasEnded = false
  for (const run of unseen) {
    if (await placedRuns.isOpen(run)) open.push(run.runId)
    else {
      hasEnded = true
      await wakeAll(deps, job, limits, await jobPlaces.release(job, run.runId, limits))
    }
  }
  if (open.length > 0) await jobPlaces.markSeen(open)
  return hasEnded
}
