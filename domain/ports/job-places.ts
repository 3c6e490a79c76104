/** Places of runs whose job has limits: who has one, who waits, in which order. */
import type { LimitsInForce } from '../job-limits.ts'
import type { Instant } from '../time.ts'

/** A run, this one and no other of its workflow id. */
export type PlacedRun = { readonly workflowId: string; readonly runId: string }

/** A run that asks. */
export type PlaceRequest = PlacedRun & {
  /** The job's name. */
  readonly job: string
  /** Temporal's priority key, 1 to 5: 1 is served first, equals by who asked first. */
  readonly priority: number
}

/** What a run that asked has. */
export type AskedPlace =
  | {
      readonly isGranted: true
      /** Milliseconds until it may begin by the rate; 0 is now. */
      readonly startInMs: number
    }
  | {
      readonly isGranted: false
      /** Those that wait before it. */
      readonly ahead: number
      /** Those that have a place. */
      readonly held: number
      /** Milliseconds until its turn, were the rate all that it waits for; null without a rate. */
      readonly turnInMs: number | null
    }

/** One run's place, as people see it. */
export type ShownPlace = PlacedRun & {
  readonly job: string
  readonly priority: number
  readonly askedAt: Instant
  /** Null: it waits. */
  readonly grantedAt: Instant | null
}

/** Places over a store that all workers share. `granted`: other runs that got theirs just now. */
export interface JobPlaces {
  /** Repeating asks once. */
  ask(
    request: PlaceRequest,
    limits: LimitsInForce,
  ): Promise<{ readonly place: AskedPlace; readonly granted: readonly PlacedRun[] }>
  /** Gives back what the run has or waits for; a run that has nothing gives back nothing. */
  release(job: string, runId: string, limits: LimitsInForce): Promise<readonly PlacedRun[]>
  /** Runs of the job with or before a place that nobody has seen open for a while; at most 20. */
  listUnseen(job: string, heldForMs: number, waitingForMs: number): Promise<readonly PlacedRun[]>
  /** They are open. */
  markSeen(runIds: readonly string[]): Promise<void>
  /** All places and those who wait for one: held ones first, then in the order of service; at most 200. */
  list(): Promise<readonly ShownPlace[]>
}

/** The runs themselves. */
export interface PlacedRuns {
  /** False when it has ended, in whatever way. */
  isOpen(run: PlacedRun): Promise<boolean>
  /** Tells it that it has a place. False when it has ended. */
  wake(run: PlacedRun): Promise<boolean>
}
