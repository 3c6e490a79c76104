/** Files that are there whole or not at all, and what is not there. */
import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** How drafts end; one that a killed process left is removed by whoever looks after the folder. */
export const DRAFT = '.draft'

/**
 * Readers see the old file or the new one, also when the process or the machine stops between: the content
 * is on the disk before the name, the name before this returns.
 */
export async function writeWhole(
  path: string,
  content: string | Uint8Array,
  mode: number,
): Promise<void> {
  const draft = `${path}.${randomUUID()}${DRAFT}`
  try {
    {
      await using file = await open(draft, 'wx', mode)
      await file.writeFile(content)
      await file.sync()
    }
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}

/** Errors that say that something is not there. */
export const NOT_THERE: readonly string[] = ['ENOENT']

/** The content; null when there is no such file. */
export function readOrNull(path: string, codes = NOT_THERE): Promise<Buffer | null> {
  return orNull(readFile(path), codes)
}

/** Null for what is not there, or was taken away by somebody else meanwhile: by these error codes. */
export async function orNull<T>(work: Promise<T>, codes = NOT_THERE): Promise<T | null> {
  try {
    return await work
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code === 'string' && codes.includes(code)) return null
    throw error
  }
}
