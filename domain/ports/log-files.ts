/** The product's own log files, as the job sees them that keeps them small. */
import type { RotatedFile } from '../log-rotation.ts'

/** How many, and how much. */
export type LogAmount = { readonly files: number; readonly bytes: number }

/** Logs of one folder. All may be repeated, and broken off anywhere. */
export interface LogFiles {
  /** Gives logs of at least this size another name, so that their writers begin new ones. */
  rotate(leastBytes: number): Promise<LogAmount>
  /** Rotated files, compressed or not. */
  listRotated(): Promise<RotatedFile[]>
  /**
   * Compresses a rotated file that nobody writes any more; null when it was compressed, has gone, or was
   * rotated only now.
   */
  compress(name: string): Promise<{ readonly before: number; readonly after: number } | null>
  /** Removes a rotated file; false when it has gone. */
  remove(name: string): Promise<boolean>
}
