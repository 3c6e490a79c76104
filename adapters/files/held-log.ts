/**
 * Rotation of a log whose writer holds it open and never looks for another: what it wrote is copied, then
 * the file is emptied in its place. The writer must append (`O_APPEND`), or it would leave a hole.
 */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { unlink } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

import { orNull } from './whole-files.ts'

/** A copy that is not whole yet. */
export const COPY_DRAFT = '.copy.draft'

const PRIVATE = 0o600
const READ_BYTES = 65_536
/** 64 MB: a writer that writes as much while its file is copied is left alone until the next time. */
const MAX_READS = 1_000

/**
 * Copies the log to `target` and empties it; how many bytes went, null when its writer was faster. What is
 * written between the last read and the emptying, two calls apart, is lost: no more can be had of a writer
 * that does not look. Broken off between the two, lines are in both files rather than in none.
 */
export async function copyAndEmpty(path: string, target: string): Promise<number | null> {
  const draft = `${target}${COPY_DRAFT}`
  const source = openSync(path, 'r+')
  try {
    const { size } = fstatSync(source)
    if (size > 0) {
      const end = size - 1
      await pipeline(
        createReadStream(path, { end }),
        createWriteStream(draft, { mode: PRIVATE, flush: true }),
      )
    }
    const bytes = finish(source, draft, target, size)
    if (bytes === null) await orNull(unlink(target))
    return bytes
  } catch (error) {
    // Emptying comes last: what failed before it has lost nothing.
    await orNull(unlink(draft))
    await orNull(unlink(target))
    throw error
  } finally {
    closeSync(source)
  }
}

/** Without a wait from the first read to the emptying. */
function finish(source: number, draft: string, target: string, from: number): number | null {
  const copy = openSync(draft, 'a', PRIVATE)
  try {
    renameSync(draft, target)
    const buffer = Buffer.alloc(READ_BYTES)
    let at = from
    for (let i = 0; i < MAX_READS; i += 1) {
      const length = readSync(source, buffer, 0, READ_BYTES, at)
      if (length === 0) {
        ftruncateSync(source, 0)
        return at
      }
      for (let done = 0; done < length;) done += writeSync(copy, buffer, done, length - done)
      at += length
    }
    return null
  } finally {
    closeSync(copy)
  }
}
