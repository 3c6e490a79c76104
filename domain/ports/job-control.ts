/** Switches of schedules and queues on the server, and the record of who moved them. */
import type { Instant } from '../time.ts'

/** A pause of a queue's activities; null while it runs. */
export type QueuePause = {
  readonly reason: string
  readonly since: Instant | null
}

/** Steps that a queue begins at most; the server keeps it over restarts and shares it among workers. */
export type QueueLimit = {
  /** More than 0. */
  readonly perSecond: number
  readonly reason: string
  readonly since: Instant | null
}

/** What holds a queue back. While it is paused `limit` is what holds afterwards. */
export type QueueControl = {
  readonly pause: QueuePause | null
  readonly limit: QueueLimit | null
}

/** Moves switches. Repeating changes nothing. Errors are the server's and may be retried. */
export interface JobControl {
  /** False when the server has no such schedule. */
  pauseSchedule(scheduleId: string, note: string): Promise<boolean>
  resumeSchedule(scheduleId: string, note: string): Promise<boolean>
  /** As the server has it: a queue is paused or limited or neither. */
  readQueue(queue: string): Promise<QueueControl>
  /** Lets no step of the queue begin; those under way end. The server keeps it over restarts. */
  pauseQueue(queue: string, reason: string): Promise<void>
  /** Ends a pause or a limit; with `perSecond` this limit holds from now on. */
  resumeQueue(queue: string, reason: string, perSecond?: number): Promise<void>
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
  readQueueLimit(queue: string): Promise<QueueLimit | null>
  /** Keeps a limit, or with null removes it, and its audit row. */
  saveQueueLimit(queue: string, perSecond: number | null, entry: ControlEntry): Promise<void>
}
