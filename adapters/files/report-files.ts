/** Reports in a folder: `<folder>/<report>/<period>/`, with a `manifest.json` each. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { PERIOD_KINDS, periodOf } from '../../domain/analytics/period.ts'
import {
  ReportTornError,
  type ListedFile,
  type ReportFiles,
  type ReportKey,
  type ReportManifest,
} from '../../domain/ports/report-files.ts'
import type { ReportFile } from '../../domain/reports/document.ts'
import { REPORTS } from '../../domain/reports/reports.ts'
import { orNull, readOrNull, writeWhole } from './whole-files.ts'

const MANIFEST = 'manifest.json'
const LIST_LIMIT = 1_000
const MODE = 0o640
/** A file where a folder of ours would be holds no reports. */
const NO_REPORT = ['ENOENT', 'ENOTDIR']
/** Names of data files; nothing else is ever read or written. */
const FILE_NAME = /^[a-z][a-z0-9-]{0,40}\.(html|csv)$/

/** The reports of this folder; it is made when the first one is written. */
export function createReportFiles(folder: string): ReportFiles {
  const root = resolve(folder)
  return {
    async write(head, files) {
      const place = placeOf(root, head)
      const listed = files.map(describe)
      const before = await readManifest(place)
      if (before !== null && (await isAsListed(place, before, listed))) {
        return { manifest: before, isChanged: false }
      }
      await mkdir(place, { recursive: true })
      for (const file of files) await writeWhole(join(place, file.name), file.content, MODE)
      const manifest: ReportManifest = { ...head, files: listed }
      await writeWhole(join(place, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, MODE)
      await removeOthers(place, listed)
      return { manifest, isChanged: true }
    },
    async list() {
      const manifests: ReportManifest[] = []
      for (const report of REPORTS) {
        for (const period of await entriesOf(join(root, report))) {
          if (!isPeriod(period)) continue
          const manifest = await readManifest(placeOf(root, { report, period }))
          if (manifest !== null) manifests.push(manifest)
        }
      }
      const newestFirst = (a: ReportManifest, b: ReportManifest) =>
        a.startsAt === b.startsAt ? 0 : a.startsAt > b.startsAt ? -1 : 1
      return manifests.toSorted(newestFirst).slice(0, LIST_LIMIT)
    },
    find: async (key) => (isKey(key) ? readManifest(placeOf(root, key)) : null),
    async read(key, name) {
      if (!isKey(key) || !FILE_NAME.test(name)) return null
      const place = placeOf(root, key)
      const listed = (await readManifest(place))?.files.find((file) => file.name === name)
      const content = listed === undefined ? null : await readOrNull(join(place, name), NO_REPORT)
      if (listed === undefined || content === null) return null
      if (sha256(content) === listed.sha256) return { ...listed, content }
      throw new ReportTornError(`${key.report} ${key.period}: ${name} is not as its manifest says`)
    },
  }
}

function placeOf(root: string, key: ReportKey): string {
  if (!isKey(key)) throw new RangeError(`no report ${key.report} of ${key.period}`)
  return join(root, key.report, key.period)
}

/** Both from closed sets: no path leads out of the folder. */
function isKey({ report, period }: ReportKey): boolean {
  return REPORTS.some((one) => one === report) && isPeriod(period)
}

function isPeriod(label: string): boolean {
  return PERIOD_KINDS.some((kind) => periodOf(kind, label) !== null)
}

function describe({ name, type, content, rows }: ReportFile): ListedFile {
  if (!FILE_NAME.test(name)) throw new RangeError(`not a name of a report's file: ${name}`)
  const bytes = Buffer.from(content)
  return { name, type, bytes: bytes.length, rows, sha256: sha256(bytes) }
}

/** Whether the same files are in place already, with the content that they are to have. */
async function isAsListed(
  place: string,
  { files }: ReportManifest,
  wanted: readonly ListedFile[],
): Promise<boolean> {
  if (JSON.stringify(files) !== JSON.stringify(wanted)) return false
  for (const { name, sha256: expected } of wanted) {
    const content = await readOrNull(join(place, name), NO_REPORT)
    if (content === null || sha256(content) !== expected) return false
  }
  return true
}

/** Files that an earlier report had and this one has not, and drafts that a killed process left. */
async function removeOthers(place: string, listed: readonly ListedFile[]): Promise<void> {
  const kept = new Set([MANIFEST, ...listed.map(({ name }) => name)])
  for (const name of await entriesOf(place)) {
    if (!kept.has(name)) await rm(join(place, name), { force: true })
  }
}

async function readManifest(place: string): Promise<ReportManifest | null> {
  const content = await readOrNull(join(place, MANIFEST), NO_REPORT)
  // Written by `write` alone, whole.
  return content === null ? null : (JSON.parse(content.toString('utf8')) as ReportManifest)
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await orNull(readdir(folder), NO_REPORT)) ?? []
}

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
