/** Files that have had their time, in real folders. */
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createAgedFiles } from '../../adapters/files/aged-files.ts'
import { parseInstant } from '../../domain/time.ts'

const BEFORE = parseInstant('2026-03-01T00:00:00Z')
const AGED = new Date('2026-02-28T23:59:59Z')
const YOUNG = new Date('2026-03-01T00:00:00Z')

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'groundstop-files-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function file(path: string, changedAt: Date): Promise<void> {
  await mkdir(join(home, path, '..'), { recursive: true })
  await writeFile(join(home, path), '0123456789')
  await utimes(join(home, path), changedAt, changedAt)
}

async function left(): Promise<string[]> {
  const entries = await readdir(home, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => join(entry.parentPath, entry.name).slice(home.length + 1))
  return paths.toSorted()
}

const reports = () => createAgedFiles({ folders: [join(home, 'reports'), join(home, 'tmp')] })

test('files changed before the moment go, those of the moment stay', async () => {
  await file('reports/aged.csv', AGED)
  await file('reports/young.csv', YOUNG)
  expect(await reports().removeBatch(BEFORE, 100)).toEqual({ items: 1, bytes: 10 })
  expect(await left()).toEqual(['reports', 'reports/young.csv'])
})

test('a folder that its last file left goes, the named one stays', async () => {
  await file('reports/2026-01/a.csv', AGED)
  await reports().removeBatch(BEFORE, 100)
  expect(await left()).toEqual(['reports'])
})

test('files of other folders stay', async () => {
  await file('postgres/base/1', AGED)
  await file('payments.jsonl', AGED)
  expect(await reports().removeBatch(BEFORE, 100)).toEqual({ items: 0, bytes: 0 })
  expect(await left()).toContain('postgres/base/1')
})

test('a link goes neither itself nor what it points at', async () => {
  await file('book/kept.csv', AGED)
  await mkdir(join(home, 'reports'))
  await symlink(join(home, 'book'), join(home, 'reports/book'))
  await symlink(join(home, 'book/kept.csv'), join(home, 'reports/kept.csv'))
  expect(await reports().removeBatch(BEFORE, 100)).toEqual({ items: 0, bytes: 0 })
  expect(await left()).toContain('book/kept.csv')
})

test('counts without removing, and removes what it counted', async () => {
  await file('reports/a.csv', AGED)
  await file('tmp/b.part', AGED)
  const counted = await reports().count(BEFORE)
  expect(counted).toEqual({ items: 2, bytes: 20 })
  expect(await left()).toHaveLength(4)
  expect(await reports().removeBatch(BEFORE, 100)).toEqual(counted)
})

test('removes no more than a batch', async () => {
  for (const name of ['a', 'b', 'c']) await file(`reports/${name}.csv`, AGED)
  expect(await reports().removeBatch(BEFORE, 2)).toMatchObject({ items: 2 })
  expect(await reports().removeBatch(BEFORE, 2)).toMatchObject({ items: 1 })
})

test('of logs only rotated ones go, never the one that is written', async () => {
  await file('logs/worker.log', AGED)
  await file('logs/worker.log.1', AGED)
  await file('logs/worker.log.2.gz', AGED)
  await file('logs/notes.1', AGED)
  const folders = [join(home, 'logs')]
  const logs = createAgedFiles({ folders, isAging: (name) => /\.log\.\d+(\.gz)?$/.test(name) })
  expect(await logs.removeBatch(BEFORE, 100)).toMatchObject({ items: 2 })
  expect(await left()).toEqual(['logs', 'logs/notes.1', 'logs/worker.log'])
})
