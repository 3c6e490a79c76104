/** Log files of a folder: rotation by name, compression beside, and never a file that is being written. */
import { createReadStream, createWriteStream } from 'node:fs'
import { open, readdir, rename, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'

import {
  DRAFT_STALE_MS,
  OWN_LOG,
  ROTATED_SETTLES_MS,
  rotatedName,
  rotatedNameOf,
  type RotatedFile,
} from '../../domain/log-rotation.ts'
import type { LogFiles } from '../../domain/ports/log-files.ts'
import { instantFromMs } from '../../domain/time.ts'
import { orNull } from './whole-files.ts'

const DRAFT = '.gz.draft'

/** The logs of a folder; one that is not there has none. */
export function createLogFiles(
  folder: string,
  { settlesMs = ROTATED_SETTLES_MS }: { readonly settlesMs?: number } = {},
): LogFiles {
  return {
    async rotate(leastBytes) {
      let amount = { files: 0, bytes: 0 }
      for (const name of await namesIn(folder)) {
        if (!OWN_LOG.test(name)) continue
        const found = await orNull(stat(join(folder, name)))
        if (found === null || !found.isFile() || found.size < leastBytes) continue
        const target = join(folder, rotatedName(name, instantFromMs(Date.now())))
        const isRenamed = await orNull(rename(join(folder, name), target).then(() => true))
        if (isRenamed === null) continue
        amount = { files: amount.files + 1, bytes: amount.bytes + found.size }
      }
      return amount
    },
    async listRotated() {
      const files: RotatedFile[] = []
      for (const name of await namesIn(folder)) {
        if (name.endsWith(DRAFT)) await removeStale(join(folder, name))
        if (rotatedNameOf(name) === null) continue
        const found = await orNull(stat(join(folder, name)))
        if (found === null || !found.isFile()) continue
        const changedAt = instantFromMs(Math.floor(found.mtimeMs))
        files.push({ name, bytes: found.size, changedAt })
      }
      return files
    },
    compress: (name) => compress(folder, name, settlesMs),
    remove: async (name) =>
      rotatedNameOf(name) !== null &&
      (await orNull(unlink(join(folder, name)).then(() => true))) === true,
  }
}

/**
 * The compressed file takes the place of the other only when it is whole and on the disk; what a killed
 * process left behind is done again.
 */
async function compress(
  folder: string,
  name: string,
  settlesMs: number,
): Promise<{ before: number; after: number } | null> {
  if (rotatedNameOf(name)?.isCompressed !== false) return null
  const [path, target] = [join(folder, name), join(folder, `${name}.gz`)]
  const draft = `${path}${DRAFT}`
  const before = await orNull(stat(path))
  // A rename changes the time of the node, not that of its content. It has parts of milliseconds, now has not.
  if (before === null || Date.now() - Math.floor(before.ctimeMs) < settlesMs) return null
  await pipeline(createReadStream(path), createGzip(), createWriteStream(draft, { mode: 0o600 }))
  await flush(draft)
  const after = await stat(path)
  // Somebody wrote on after all: the next run takes it whole.
  if (after.size !== before.size) {
    await unlink(draft)
    return null
  }
  await utimes(draft, before.atime, before.mtime)
  const { size } = await stat(draft)
  await rename(draft, target)
  await unlink(path)
  return { before: before.size, after: size }
}

async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.sync()
}

async function removeStale(path: string): Promise<void> {
  const found = await orNull(stat(path))
  if (found !== null && Date.now() - found.mtimeMs > DRAFT_STALE_MS) await orNull(unlink(path))
}

async function namesIn(folder: string): Promise<string[]> {
  return ((await orNull(readdir(folder))) ?? []).toSorted()
}
