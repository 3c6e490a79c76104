/** A key ring's file as the place where it is changed. */
import type { RingName } from '../../domain/key-rotation.ts'
import type { KeyRingStore } from '../../domain/ports/key-rings.ts'
import type { KeyWrapping } from '../../domain/ports/key-wrapping.ts'
import { readKeyRingFile, writeKeyRingFile } from './key-ring-file.ts'

/** The store over a file; `wrapping`: what its keys are closed with from the next write on. */
export function createKeyRingStore(
  name: RingName,
  path: string,
  wrapping: KeyWrapping | null = null,
): KeyRingStore {
  return {
    name,
    read: async () => (await readKeyRingFile(path, wrapping)).ring,
    write: (ring) => writeKeyRingFile(path, ring, wrapping),
  }
}
