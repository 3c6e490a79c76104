/** Where a process has its keys from. Sources outside may be read only: then nothing rotates them. */
import type { KeyRing } from '../key-ring.ts'

/** The ring of one purpose as this process has it. */
export interface KeyRingSource extends Disposable {
  /** At most some seconds old. Never waits. */
  current(): KeyRing
  /** Reads it anew; for a key that is asked for and not there. Bounded in how often it really reads. */
  refresh(): Promise<KeyRing>
}
