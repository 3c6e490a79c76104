/** What became of runs, as it becomes known: for whoever watches them live. */
import type { ListedRun } from './run-store.ts'

/** A run as it stands after a change. */
export type ChangedRun = {
  /** When it was written, in microseconds since 1970, as text: orders changes. */
  readonly changedAtUs: string
  readonly run: ListedRun
}

/** Where a reader of changes stands: after this one. */
export type ChangeKey = { readonly changedAtUs: string; readonly runId: string }

/** Reads what changed. */
export interface RunChanges {
  /** The present moment of what writes the changes. */
  nowUs(): Promise<string>
  /**
   * Runs that changed after the key, in the order of their changes: those that are open, and those that
   * ended less than a quarter of an hour before it. At most `limit`.
   */
  after(key: ChangeKey, limit: number): Promise<ChangedRun[]>
}
