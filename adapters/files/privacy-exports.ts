/** Copies of persons' data in a folder: `<folder>/<request>/`, readable by this user alone. */
import { mkdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { ExportManifest, PrivacyExports } from '../../domain/ports/privacy-exports.ts'
import { readOrNull, writeWhole } from './whole-files.ts'

const MANIFEST = 'manifest.json'
const FILE = 'export.json.sealed'
const MODE = 0o600
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
      await writeWhole(join(place, FILE), sealed, MODE)
      await writeWhole(join(place, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, MODE)
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
