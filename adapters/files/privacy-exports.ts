/** Copies of persons' data in a folder: `<folder>/<request>/`, readable by this user alone. */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { ExportManifest, PrivacyExports } from '../../domain/ports/privacy-exports.ts'

const MANIFEST = 'manifest.json'
const FILE = 'export.json.sealed'
/** Ids are the only names in the folder: no path leads out of it. */
const REQUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The copies of this folder; it is made with the first one. */
export function createPrivacyExports(folder: string): PrivacyExports {
  const root = resolve(folder)
  const placeOf = (requestId: string): string => {
    if (!REQUEST_ID.test(requestId)) throw new RangeError(`not the id of a request: ${requestId}`)
    return join(root, requestId)
  }
  return {
    async write(manifest, sealed) {
      const place = placeOf(manifest.requestId)
      await mkdir(place, { recursive: true, mode: 0o700 })
      await writeWhole(join(place, FILE), sealed)
      await writeWhole(join(place, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
    },
    async read(requestId) {
      const place = placeOf(requestId)
      const text = await readOrNull(join(place, MANIFEST))
      const sealed = await readOrNull(join(place, FILE))
      if (text === null || sealed === null) return null
      // Written by `write` alone, whole.
      return { manifest: JSON.parse(text.toString('utf8')) as ExportManifest, sealed }
    },
    remove: (requestId) => rm(placeOf(requestId), { recursive: true, force: true }),
  }
}

/** Readers see the old file or the new one, also when the process or the machine stops between. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}.draft`
  try {
    await writeFile(draft, content, { mode: 0o600, flush: true })
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
}

async function readOrNull(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
