/** Archives of the audit trail in a folder: compressed lines, each bound to the one before, and a manifest. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'

import type {
  AuditArchive,
  AuditArchiveFiles,
  AuditPage,
} from '../../domain/ports/audit-archive.ts'
import type { AuditAnchor } from '../../domain/ports/audit-log.ts'
import { HOUR_MS } from '../../domain/time.ts'
import { DRAFT, orNull, readOrNull, writeWhole } from './whole-files.ts'

const compress = promisify(gzip)
const expand = promisify(gunzip)

/** Digits of a position in a name, so that names sort as positions do. */
const NAME_DIGITS = 12
const FILE_NAME = /^audit-\d{12,16}-\d{12,16}\.jsonl\.gz$/
const MODE = 0o640
/** A draft this old was left by a process that was killed. */
const DRAFT_STALE_MS = HOUR_MS
/** A file that expands to more is not one of ours: 10,000 events of 50 kB. */
const GREATEST_BYTES = 512 * 1024 * 1024

/** The archives of this folder; it is made when the first one is written. */
export function createAuditArchiveFiles(folder: string): AuditArchiveFiles {
  const root = resolve(folder)
  return {
    async write(page) {
      await mkdir(root, { recursive: true, mode: 0o750 })
      await removeStaleDrafts(root)
      const content = await compress(page.lines.map((line) => `${line}\n`).join(''))
      const file = nameOf(page)
      const archive = asManifest({ ...page, file, bytes: content.length, sha256: sha256(content) })
      await writeWhole(join(root, file), content, MODE)
      await writeWhole(join(root, manifestOf(file)), `${JSON.stringify(archive, null, 2)}\n`, MODE)
      return archive
    },
    findFault: (archive, anchors = []) => findFault(root, archive, anchors),
  }
}

async function findFault(
  root: string,
  archive: AuditArchive,
  anchors: readonly AuditAnchor[],
): Promise<string | null> {
  if (!FILE_NAME.test(archive.file)) return 'has a name that no archive has'
  const content = await readOrNull(join(root, archive.file))
  if (content === null) return 'is missing'
  if (content.length !== archive.bytes || sha256(content) !== archive.sha256) {
    return 'is not the file that was written'
  }
  const manifest = await readOrNull(join(root, manifestOf(archive.file)))
  if (manifest === null) return 'has no manifest'
  if (manifest.toString('utf8') !== `${JSON.stringify(asManifest(archive), null, 2)}\n`) {
    return 'has a manifest that says otherwise'
  }
  const text = (await expand(content, { maxOutputLength: GREATEST_BYTES })).toString('utf8')
  return brokenLine(text.split('\n').slice(0, -1), archive, anchors)
}

/** Every line is hashed anew: it names the hash of the one before it, and the position after it. */
function brokenLine(
  lines: readonly string[],
  { firstPosition, lastPosition, prevHash, hash }: AuditArchive,
  anchors: readonly AuditAnchor[],
): string | null {
  const noted = Map.groupBy(anchors, ({ position }) => position)
  let last = { position: firstPosition - 1, hash: prevHash }
  for (const line of lines) {
    const [position, before] = beginningOf(line)
    if (position !== last.position + 1 || before !== last.hash) {
      return `is broken after position ${last.position}`
    }
    last = { position, hash: sha256(line) }
    const other = noted.get(position)?.find((anchor) => anchor.hash !== last.hash)
    if (other !== undefined) {
      return `has another hash than was noted for position ${position}: the chain was rewritten`
    }
  }
  if (last.position === lastPosition && last.hash === hash) return null
  return `does not end as it should at position ${lastPosition}`
}

function beginningOf(line: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(line)
    return Array.isArray(parsed) ? parsed : []
  } catch {
    // A line that is no JSON is a broken line, as every other that is not what it should be.
    return []
  }
}

/** The fields of a manifest in the order in which they are written. */
function asManifest(archive: AuditArchive): AuditArchive {
  const { prevHash, firstPosition, lastPosition, hash, file, bytes, sha256: digest } = archive
  return { prevHash, firstPosition, lastPosition, hash, file, bytes, sha256: digest }
}

function nameOf({ firstPosition, lastPosition }: AuditPage): string {
  const digits = (position: number) => String(position).padStart(NAME_DIGITS, '0')
  return `audit-${digits(firstPosition)}-${digits(lastPosition)}.jsonl.gz`
}

function manifestOf(file: string): string {
  return file.replace(/\.jsonl\.gz$/, '.manifest.json')
}

async function removeStaleDrafts(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.endsWith(DRAFT)) continue
    const path = join(root, name)
    const found = await orNull(stat(path))
    if (found !== null && Date.now() - found.mtimeMs > DRAFT_STALE_MS)
      await rm(path, { force: true })
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
