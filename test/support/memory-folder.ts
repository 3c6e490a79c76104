/**
 * Where tests put what is gone afterwards. A memory file system where the machine has one with room: each
 * test's own database is some six hundred small files, which a disk takes ten times as long to write.
 */
import { accessSync, constants, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const MEMORY_FOLDER = '/dev/shm'
/** Type of a memory file system, as `statfs` tells it. */
const TMPFS_MAGIC = 0x01021994
/** What a whole run needs, several times over. */
const ROOM_BYTES = 6 * 1024 ** 3

/** The folder for the files of tests: in memory, or the system's own for what passes. */
export function fastestFolder(): string {
  return isInMemory() ? MEMORY_FOLDER : tmpdir()
}

function isInMemory(): boolean {
  try {
    const { type, bavail, bsize } = statfsSync(MEMORY_FOLDER)
    accessSync(MEMORY_FOLDER, constants.W_OK)
    return type === TMPFS_MAGIC && bavail * bsize >= ROOM_BYTES
  } catch {
    // There is no such folder, or not for us.
    return false
  }
}
