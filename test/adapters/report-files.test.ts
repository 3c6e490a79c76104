/** Reports in a folder: whole, unchanged when nothing changed, and never outside of it. */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, test } from 'vitest'

import { createReportFiles } from '../../adapters/files/report-files.ts'
import { ReportTornError, type ReportKey } from '../../domain/ports/report-files.ts'
import type { ReportFile } from '../../domain/reports/document.ts'
import { parseInstant } from '../../domain/time.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'groundstop-reports-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const KEY: ReportKey = { report: 'usage', period: '2013-02' }
const PLACE = ['usage', '2013-02']

function head(at = '2013-03-01T00:05:00Z') {
  return {
    ...KEY,
    kind: 'month' as const,
    startsAt: parseInstant('2013-02-01T00:00:00Z'),
    endsAt: parseInstant('2013-03-01T00:00:00Z'),
    generatedAt: parseInstant(at),
    generatedAtWall: parseInstant('2026-11-25T12:00:00Z'),
  }
}

const file = (name: string, content: string): ReportFile => ({
  name,
  type: 'text/csv',
  content,
  rows: 1,
})

const files = () => createReportFiles(folder)
const contentOf = (name: string) => readFile(join(folder, ...PLACE, name), 'utf8')

test('a report is its files and a manifest with their checksums', async () => {
  const { manifest, isChanged } = await files().write(head(), [file('bound.csv', 'é\r\n')])
  expect(isChanged).toBe(true)
  expect(manifest.files).toEqual([
    {
      name: 'bound.csv',
      type: 'text/csv',
      bytes: 4,
      rows: 1,
      sha256: createHash('sha256').update('é\r\n').digest('hex'),
    },
  ])
  expect(JSON.parse(await contentOf('manifest.json'))).toEqual(manifest)
  expect(await readdir(join(folder, ...PLACE))).toEqual(['bound.csv', 'manifest.json'])
})

test('the same report again changes no byte, not even when it was made', async () => {
  await files().write(head(), [file('bound.csv', 'a')])
  const before = await stat(join(folder, ...PLACE, 'manifest.json'))
  const again = await files().write(head('2013-04-01T00:00:00Z'), [file('bound.csv', 'a')])
  expect(again).toMatchObject({ isChanged: false, manifest: { generatedAt: head().generatedAt } })
  expect((await stat(join(folder, ...PLACE, 'manifest.json'))).mtimeMs).toBe(before.mtimeMs)
})

test('a report with other figures replaces it, and leaves nothing of it', async () => {
  await files().write(head(), [file('bound.csv', 'a'), file('loss.csv', 'b')])
  await writeFile(join(folder, ...PLACE, 'bound.csv.1234.draft'), 'of a process that was killed')
  const { isChanged } = await files().write(head(), [file('bound.csv', 'c')])
  expect(isChanged).toBe(true)
  expect(await readdir(join(folder, ...PLACE))).toEqual(['bound.csv', 'manifest.json'])
})

test('what was broken off, or meddled with, is made whole by writing it again', async () => {
  await files().write(head(), [file('bound.csv', 'a')])
  await writeFile(join(folder, ...PLACE, 'bound.csv'), 'b')
  await expect(files().read(KEY, 'bound.csv')).rejects.toThrow(ReportTornError)
  expect(await files().write(head(), [file('bound.csv', 'a')])).toMatchObject({ isChanged: true })
  expect(Buffer.from((await files().read(KEY, 'bound.csv'))?.content ?? []).toString()).toBe('a')
})

test('lists the newest period first, and only what has a manifest', async () => {
  await files().write(head(), [])
  const january = { period: '2013-01', startsAt: parseInstant('2013-01-01T00:00:00Z') }
  await files().write({ ...head(), ...january, report: 'audit' }, [])
  await writeFile(join(folder, 'usage', 'notes.txt'), '')
  expect((await files().list()).map(({ report, period }) => [report, period])).toEqual([
    ['usage', '2013-02'],
    ['audit', '2013-01'],
  ])
})

test('nothing is there before the first report', async () => {
  const none = createReportFiles(join(folder, 'none'))
  expect(await none.list()).toEqual([])
  expect(await none.find(KEY)).toBeNull()
  expect(await none.read(KEY, 'bound.csv')).toBeNull()
})

test.each([
  '../../secret.csv',
  '..',
  'manifest.json',
  '/etc/passwd',
  'bound.csv/..',
  'a.csv\u0000',
  'loss.csv',
])('the file %j is none of a report', async (name) => {
  await writeFile(join(folder, 'secret.csv'), 'secret')
  await files().write(head(), [file('bound.csv', 'a')])
  expect(await files().read(KEY, name)).toBeNull()
})

test.each(['..', '2013-02/..', '../usage/2013-02', '2013-13'])(
  'the period %j is none',
  async (period) => {
    await files().write(head(), [file('bound.csv', 'a')])
    expect(await files().find({ report: 'usage', period })).toBeNull()
    await expect(files().write({ ...head(), period }, [])).rejects.toThrow(RangeError)
  },
)

test('a name from elsewhere is none of the reports', async () => {
  const report = '../usage' as 'usage' // as a route might hand it on
  expect(await files().find({ report, period: '2013-02' })).toBeNull()
})
