/** Files of bundles that are kept, and those that go: of sources that are no more. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { MINUTE_MS } from '../domain/time.ts'

/** Bundles of older sources that are kept, so that going back and forth between two costs nothing. */
const KEPT = 6

const BUNDLE = /^workflow-bundle-.*?([0-9a-f]{20})\.js$/
const ENTRY = /^workflow-packs-([0-9a-f]{20})\.mjs$/

/** An entry that is younger may be in the hands of another process, which builds of it. */
const BUILT_WITHIN_MS = 10 * MINUTE_MS

/** Removes all bundles but the newest six, and the entries that packs' bundles were built of. */
export async function dropOldBundles(folder: string): Promise<void> {
  const bundles = await agedFiles(folder, BUNDLE)
  const kept = new Set(bundles.slice(0, KEPT).map(({ hash }) => hash))
  const entries = await agedFiles(folder, ENTRY)
  const oldEntries = entries.filter(
    ({ hash, mtimeMs }) => !kept.has(hash) && Date.now() - mtimeMs > BUILT_WITHIN_MS,
  )
  const old = [...bundles.slice(KEPT), ...oldEntries]
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })))
}

type AgedFile = { readonly name: string; readonly hash: string; readonly mtimeMs: number }

/** Files of a name that holds a hash, the newest first. */
async function agedFiles(folder: string, pattern: RegExp): Promise<AgedFile[]> {
  const found = (await readdir(folder)).flatMap((name) => {
    const hash = pattern.exec(name)?.[1]
    return hash === undefined ? [] : [{ name, hash }]
  })
  const aged = await Promise.all(
    found.map(async (file) => {
      const times = await stat(join(folder, file.name)).catch(() => null) // another process dropped it
      return times === null ? [] : [{ ...file, mtimeMs: times.mtimeMs }]
    }),
  )
  return aged.flat().sort((a, b) => b.mtimeMs - a.mtimeMs)
}
