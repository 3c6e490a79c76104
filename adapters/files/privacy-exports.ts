/** Copies of persons' data in a folder: `<folder>/<request>/`, readable by this user alone. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import {
  ExportTornError,
  type ExportManifest,
  type PrivacyExports,
} from '../../domain/ports/privacy-exports.ts'

const MANIFEST = 'manifest.json'
const FILE = 'export.json'
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
    async write(requestId, content, generatedAt) {
      const place = placeOf(requestId)
      const bytes = Buffer.from(content)
      const manifest: ExportManifest = {
        requestId,
        generatedAt,
        file: {
          name: FILE,
          type: 'application/json',
          bytes: bytes.length,
          sha256: sha256(bytes),
        },
      }
      await mkdir(place, { recursive: true, mode: 0o700 })
      await writeWhole(join(place, FILE), bytes)
      await writeWhole(join(place, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`)
      return manifest
    },
    async read(requestId) {
      const place = placeOf(requestId)
      const text = await readOrNull(join(place, MANIFEST))
      const content = await readOrNull(join(place, FILE))
      if (text === null || content === null) return null
      // Written by `write` alone, whole.
      const manifest = JSON.parse(text.toString('utf8')) as ExportManifest
      if (sha256(content) === manifest.file.sha256) return { manifest, content }
      throw new ExportTornError(`the copy of request ${requestId} is not as its manifest says`)
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

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
