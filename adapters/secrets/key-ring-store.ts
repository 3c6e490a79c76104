/** A key ring's file as the place where it is changed. */
import type { RingName } from '../../domain/key-rotation.ts'
import type { KeyRingStore } from '../../domain/ports/key-rings.ts'
import { readKeyRingFile, writeKeyRingFile } from './key-ring-file.ts'

/** The store over a file. */
export function createKeyRingStore(name: RingName, path: string): KeyRingStore {
  return {
    name,
    read: async () => (await readKeyRingFile(path)).ring,
    write: (ring) => writeKeyRingFile(path, ring),
  }
}
