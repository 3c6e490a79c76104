/** Files of a seeded home that jobs look after: rotated logs, exports and copies of persons' data, by age. */
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { createPrivacyExports } from '../../adapters/files/privacy-exports.ts'
import { rotatedName } from '../../domain/log-rotation.ts'
import { addMs, DAY_MS, toMs, type Instant } from '../../domain/time.ts'

/** Folders that are written to. */
export type SeedFolders = {
  readonly home: string
  readonly logs: string
  readonly privacy: string
}

/** A copy that was made, as the book lists it. */
export type SeededCopy = { readonly requestId: string; readonly closedAt: Instant }

/** A folder with more is of another product. */
const FILES_AT_MOST = 500
const OLDEST_DAYS = 60
const LOG_BYTES = 20_000
const LOG_LINE = '{"level":"info"}\n'

/** Writes them, dated back from `wallUntil`; `size` logs and as many exports. */
export async function seedFiles(
  folders: SeedFolders,
  wallUntil: Instant,
  of: { readonly size: number; readonly copies: readonly SeededCopy[] },
): Promise<void> {
  const exports = join(folders.home, 'exports')
  await mkdir(folders.logs, { recursive: true })
  await mkdir(exports, { recursive: true })
  const size = Math.min(of.size, FILES_AT_MOST)
  for (let n = 0; n < size; n += 1) {
    const at = addMs(wallUntil, -(n + 0.5) * ((OLDEST_DAYS * DAY_MS) / size))
    const log = join(folders.logs, rotatedName('worker.log', at))
    await writeAged(log, LOG_LINE.repeat(LOG_BYTES / LOG_LINE.length), at)
    await writeAged(join(exports, `seed-${n}.csv`), 'policy,outcome\n', at)
  }
  const privacy = createPrivacyExports(folders.privacy)
  for (const { requestId, closedAt } of of.copies.slice(0, FILES_AT_MOST)) {
    const file = { name: 'export.json', type: 'application/json', bytes: 4_096, sha256: '' }
    await privacy.write({ requestId, generatedAt: closedAt, file }, new Uint8Array(4_096))
    for (const name of ['export.json.sealed', 'manifest.json']) {
      await age(join(folders.privacy, requestId, name), closedAt)
    }
  }
}

async function writeAged(path: string, text: string, at: Instant): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await age(path, at)
}

async function age(path: string, at: Instant): Promise<void> {
  const time = new Date(toMs(at))
  await utimes(path, time, time)
}
