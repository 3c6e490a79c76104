/**
 * Files of the home folder that have had their time. Only files of named folders, by their last change;
 * links are neither followed nor removed.
 */
import type { Dirent } from 'node:fs'
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'

import type { AgedThings, Amount } from '../../domain/ports/aged-things.ts'
import { toMs, type Instant } from '../../domain/time.ts'

/** Which files of which folder age. */
export type AgedFilesOptions = {
  readonly folders: readonly string[]
  /** Of a file's name; all files when left out. */
  readonly isAging?: (name: string) => boolean
}

/** Folders below each other; deeper ones are nobody's reports. */
const DEPTH_AT_MOST = 8

/** The aged files of these folders; a folder that is not there has none. */
export function createAgedFiles(options: AgedFilesOptions): AgedThings {
  const folders = options.folders.map((folder) => resolve(folder))
  const isAging = options.isAging ?? (() => true)
  const list = async function* (before: Instant) {
    for (const folder of folders) yield* agedFiles(folder, { before, isAging, depth: 1 })
  }
  return {
    async count(before) {
      let amount: Amount = { items: 0, bytes: 0 }
      for await (const { bytes } of list(before)) amount = plus(amount, bytes)
      return amount
    },
    async removeBatch(before, limit) {
      let amount: Amount = { items: 0, bytes: 0 }
      for await (const { path, bytes } of list(before)) {
        if (amount.items === limit) break
        if (!(await isRemoved(path))) continue
        amount = plus(amount, bytes)
        await removeIfEmpty(dirname(path), folders)
      }
      return amount
    },
  }
}

const plus = (amount: Amount, bytes: number): Amount => ({
  items: amount.items + 1,
  bytes: amount.bytes + bytes,
})

type Search = {
  readonly before: Instant
  readonly isAging: (name: string) => boolean
  readonly depth: number
}

async function* agedFiles(
  folder: string,
  { before, isAging, depth }: Search,
): AsyncGenerator<{ path: string; bytes: number }> {
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && depth < DEPTH_AT_MOST) {
      yield* agedFiles(path, { before, isAging, depth: depth + 1 })
    }
    if (!entry.isFile() || !isAging(entry.name)) continue
    const found = await orNothing(lstat(path))
    if (found !== null && found.mtimeMs < toMs(before)) yield { path, bytes: found.size }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return (await orNothing(readdir(folder, { withFileTypes: true }))) ?? []
}

async function isRemoved(path: string): Promise<boolean> {
  return (await orNothing(unlink(path).then(() => true))) ?? false
}

/** A folder that its last file has left goes with it; the named folders themselves stay. */
async function removeIfEmpty(folder: string, kept: readonly string[]): Promise<void> {
  if (kept.includes(folder)) return
  try {
    await rmdir(folder)
  } catch (error) {
    if (!hasCode(error, ['ENOTEMPTY', 'EEXIST', 'ENOENT'])) throw error
  }
}

/** Null for what is not there, or was taken away by somebody else meanwhile. */
async function orNothing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    if (hasCode(error, ['ENOENT'])) return null
    throw error
  }
}

function hasCode(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
