/** Where a process has its keys from. Sources outside may be read only: then nothing rotates them. */
import type { KeyRing, RingKey } from '../key-ring.ts'
import type { RingName } from '../key-rotation.ts'

/** The ring of one purpose as this process has it. */
export interface KeyRingSource extends Disposable {
  /** At most some seconds old. Never waits. */
  current(): KeyRing
  /** Reads it anew; for a key that is asked for and not there. Bounded in how often it really reads. */
  refresh(): Promise<KeyRing>
}

/**
 * A ring that can be changed, where its keys rest: a file of ours, in which a service that never gives its
 * own key out (a KMS) may have closed each `material`. Nobody else sees the difference.
 */
export interface KeyRingStore {
  readonly name: RingName
  /** The ring as it rests now. Throws KeyRingError. */
  read(): Promise<KeyRing>
  /** Replaces it, whole or not at all, also when the machine loses its power. */
  write(ring: KeyRing): Promise<void>
}

/** Which process has which keys; processes report while they live. */
export interface KeyHolders {
  report(processId: string, ring: RingName, keyIds: readonly string[]): Promise<void>
  /** Of these keys, those that some live process has not. */
  missing(ring: RingName, keyIds: readonly string[]): Promise<string[]>
}

/** What still needs keys of payloads: runs that the server keeps, schedules. */
export interface PayloadKeyUsage {
  /** Closes anew what schedules carry, with the active key. Returns how many were changed. */
  reseal(): Promise<number>
  /** Of these replaced keys, those that something may be closed with. */
  needed(keys: readonly RingKey[]): Promise<string[]>
}
