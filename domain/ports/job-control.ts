/** Switches of schedules and queues on the server, and the record of who moved them. */
import type { Instant } from '../time.ts'

/** A pause of a queue's activities; null while it runs. */
export type QueuePause = {
  readonly reason: string
  readonly since: Instant | null
}

/** Moves switches. Repeating changes nothing. Errors are the server's and may be retried. */
export interface JobControl {
  /** False when the server has no such schedule. */
  pauseSchedule(scheduleId: string, note: string): Promise<boolean>
  resumeSchedule(scheduleId: string, note: string): Promise<boolean>
  readQueue(queue: string): Promise<QueuePause | null>
  /** Lets no step of the queue begin; those under way end. The server keeps it over restarts. */
  pauseQueue(queue: string, reason: string): Promise<void>
  resumeQueue(queue: string, reason: string): Promise<void>
}

/** Who, why, and when on the business clock. */
export type ControlEntry = {
  readonly by: string
  readonly reason: string
  readonly at: Instant
  /** `schedule.disabled`. */
  readonly action: string
  /** `schedule:flight-monitor`. */
  readonly subject: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** Schedules that were paused together until a time. Times are wall time. */
export type MaintenanceWindow = {
  readonly windowId: string
  readonly scheduleIds: readonly string[]
  readonly note: string
  readonly openedBy: string
  readonly reason: string
  readonly untilAt: Instant
  readonly closedAt: Instant | null
}

/** The record. */
export interface ControlStore {
  audit(entry: ControlEntry): Promise<void>
  /** Keeps a window and its audit row, before anything is paused. */
  openWindow(
    window: Omit<MaintenanceWindow, 'windowId' | 'closedAt'>,
    entry: ControlEntry,
  ): Promise<MaintenanceWindow>
  /** Open ones, the one that ends first first. */
  listWindows(limit: number): Promise<MaintenanceWindow[]>
  closeWindow(windowId: string, entry: ControlEntry): Promise<void>
}
