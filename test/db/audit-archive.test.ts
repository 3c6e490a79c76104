import { appendFile, mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { createAuditAnchors } from '../../adapters/files/audit-anchors.ts'
import { createAuditArchiveFiles } from '../../adapters/files/audit-archive-files.ts'
import type { Database } from '../../db/client.ts'
import { createAuditArchiveStore } from '../../db/stores/audit-archive-store.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { addMs, DAY_MS, parseInstant } from '../../domain/time.ts'
import { removeArchivedEvents, writeAuditArchive } from '../../operations/archive-audit-log.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { manualClock } from '../support/builders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runCommand } from '../support/read-commands.ts'
import { unguarded } from '../support/unguarded.ts'

const NOW = parseInstant('2026-03-01T04:00:00Z')
/** The default of `audit.keepDays`. */
const KEPT_MS = 365 * DAY_MS

let database: TestDatabase
let folder: string

beforeAll(async () => {
  database = await createTestDatabase({ max: 2 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
})
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-archive-'))
  await unguarded(database.db, async (trx) => {
    await sql`delete from audit_chain`.execute(trx)
    await sql`delete from audit_event`.execute(trx)
    await sql`delete from audit_archive`.execute(trx)
    await sql`update audit_head set position = 0, hash = repeat('0', 64)`.execute(trx)
  })
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Events of which the first `aged` are past their time and the next one is of the very moment. */
async function writeTrail(db: Database, aged: number): Promise<void> {
  const cut = addMs(NOW, -KEPT_MS)
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    select ${cut}::timestamptz + case when n <= ${aged}::int then interval '-1 microsecond' else interval '0' end,
      'ann', 'test', 'test:' || n, '{"reason": "Über\\n\\"x\\"", "rate": 1.50}'
    from generate_series(1, ${aged}::int + 2) n order by n`.execute(db)
}

function deps(eventsPerFile = 2) {
  const { db } = database
  return {
    auditArchives: createAuditArchiveStore(db),
    archiveFiles: createAuditArchiveFiles(folder),
    settingStore: createSettingStore(db),
    clock: manualClock(NOW),
    eventsPerFile,
  }
}

/** As the workflow does; how many events were removed. */
async function runJob(parts = deps()): Promise<number[]> {
  const removed: number[] = []
  for (;;) {
    const archive = await writeAuditArchive(parts)
    if (archive === null) return removed
    removed.push(await removeArchivedEvents(parts, archive))
  }
}

async function positions(): Promise<number[]> {
  const { rows } = await sql<{ position: number }>`
    select c.position from audit_chain c join audit_event e on e.seq = c.event_seq
    order by c.position`.execute(database.db)
  return rows.map(({ position }) => position)
}

async function verify(...words: string[]): Promise<string> {
  const env = { AUDIT_ARCHIVE_DIR: folder, AUDIT_ANCHOR_DIR: join(folder, 'anchors') }
  const { out, error } = await runCommand(database.url, ['audit', 'verify', ...words], env)
  return error instanceof Error ? error.message : out
}

const breaksOfBook = async () =>
  (await verifyBooks({ ledgerStore: createLedgerStore(database.db) })).breaks

const FIRST = 'audit-000000000001-000000000002.jsonl.gz'

test('events past their time go to files; one of the very moment stays', async () => {
  await writeTrail(database.db, 3)
  const head = await createAuditChain(database.db).head()
  expect(await runJob()).toEqual([2, 1])
  expect(await positions()).toEqual([4, 5])
  expect(await verify()).toBe(
    `the trail holds: 5 events, 3 in archives, head ${head.position}:${head.hash}\n`,
  )
  expect(await breaksOfBook()).toEqual([])
  expect(await runJob()).toEqual([])
})

test('the chain leads on from an archive also when the table was empty', async () => {
  await writeTrail(database.db, 2)
  await runJob({ ...deps(), clock: manualClock(addMs(NOW, DAY_MS)) })
  expect(await positions()).toEqual([])
  expect(await verify()).toContain('the trail holds: 4 events, 4 in archives')
  await writeTrail(database.db, 0)
  expect(await positions()).toEqual([5, 6])
  expect(await verify()).toContain('the trail holds: 6 events, 4 in archives')
})

test('a run that died after its file was written begins the file anew', async () => {
  await writeTrail(database.db, 3)
  const parts = deps()
  const dying = { ...parts.auditArchives, record: () => Promise.reject(new Error('killed')) }
  await expect(writeAuditArchive({ ...parts, auditArchives: dying })).rejects.toThrow('killed')
  expect(await positions()).toEqual([1, 2, 3, 4, 5])
  expect(await verify()).toContain('the trail holds: 5 events, head')
  expect(await runJob()).toEqual([2, 1])
  expect(await verify()).toContain('5 events, 3 in archives')
})

test('a run that died between record and removal is taken up by the next one', async () => {
  await writeTrail(database.db, 3)
  const archive = await writeAuditArchive(deps())
  expect(archive).toMatchObject({ firstPosition: 1, lastPosition: 2 })
  expect(await positions()).toEqual([1, 2, 3, 4, 5])
  expect(await verify()).toContain('the trail holds: 5 events, 2 in archives')
  expect(await runJob()).toEqual([2, 1])
  expect(await removeArchivedEvents(deps(), { lastPosition: 2 })).toBe(0)
})

test('removes nothing when the file is not as it was written any more', async () => {
  await writeTrail(database.db, 2)
  const parts = deps()
  const archive = await writeAuditArchive(parts)
  await appendFile(join(folder, FIRST), 'x')
  const removal = removeArchivedEvents(parts, { lastPosition: archive?.lastPosition ?? 0 })
  await expect(removal).rejects.toThrow(
    `archive ${FIRST} is not the file that was written: nothing was removed`,
  )
  expect(await positions()).toEqual([1, 2, 3, 4])
})

test('archives no event that was changed', async () => {
  await writeTrail(database.db, 2)
  await unguarded(database.db, (trx) =>
    sql`update audit_event e set actor = 'eve' from audit_chain c
      where c.event_seq = e.seq and c.position = 2`.execute(trx),
  )
  await expect(writeAuditArchive(deps())).rejects.toThrow('does not end as it should at position 2')
  expect(await positions()).toEqual([1, 2, 3, 4])
})

test('an event goes only when an archive on record holds it, whoever deletes', async () => {
  const { db } = database
  await writeTrail(db, 3)
  await writeAuditArchive(deps())
  const asRetention = (work: (trx: Database) => Promise<unknown>) =>
    db.transaction().execute(async (trx) => {
      await sql`set local groundstop.retention = 'on'`.execute(trx)
      await work(trx)
    })
  const refused = 'is append-only: delete refused'
  await expect(
    asRetention((trx) => sql`delete from audit_chain where position = 3`.execute(trx)),
  ).rejects.toThrow(`audit_chain ${refused}`)
  await expect(
    asRetention((trx) => sql`delete from audit_event where action = 'test'`.execute(trx)),
  ).rejects.toThrow(`audit_event ${refused}`)
  await expect(sql`delete from audit_chain where position = 1`.execute(db)).rejects.toThrow(
    `audit_chain ${refused}`,
  )
  await expect(
    sql`select remove_archived_events(2, ${'0'.repeat(64)})`.execute(db),
  ).rejects.toThrow('query returned no rows')
})

test('an archive that leaves a gap, or ends elsewhere than the chain, is not put on record', async () => {
  await writeTrail(database.db, 3)
  const store = createAuditArchiveStore(database.db)
  const archive = await writeAuditArchive(deps())
  if (archive === null) throw new Error('nothing was due')
  const next = { ...archive, file: 'next', prevHash: archive.hash }
  await expect(store.record({ ...next, firstPosition: 4, lastPosition: 4 })).rejects.toThrow(
    'does not follow the one before it',
  )
  await expect(store.record({ ...next, firstPosition: 3, lastPosition: 3 })).rejects.toThrow(
    'does not end where the chain is',
  )
})

const linesOf = async () =>
  gunzipSync(await readFile(join(folder, FIRST)))
    .toString('utf8')
    .split('\n')

/** Lines as somebody writes them who also changes the manifest and the record. */
async function forge(lines: readonly string[]): Promise<void> {
  const { createHash } = await import('node:crypto')
  const content = gzipSync(lines.join('\n'))
  const digest = createHash('sha256').update(content).digest('hex')
  await writeFile(join(folder, FIRST), content)
  const path = join(folder, 'audit-000000000001-000000000002.manifest.json')
  const manifest = (await readFile(path, 'utf8'))
    .replace(/"bytes": \d+/, `"bytes": ${content.length}`)
    .replace(/"sha256": "[0-9a-f]+"/, `"sha256": "${digest}"`)
  await writeFile(path, manifest)
  await unguarded(database.db, (trx) =>
    sql`update audit_archive set bytes = ${content.length}, sha256 = ${digest}
      where last_position = 2`.execute(trx),
  )
}

const FORGERIES: readonly (readonly [string, string, (lines: string[]) => string[]])[] = [
  [
    'changed',
    'is broken after position 1',
    ([a = '', ...rest]) => [a.replace('ann', 'eve'), ...rest],
  ],
  ['deleted', 'is broken after position 0', (lines) => lines.slice(1)],
  ['cut off', 'does not end as it should at position 2', ([a = '']) => [a, '']],
  ['slipped in', 'is broken after position 2', ([a = '', b = '', ...rest]) => [a, b, b, ...rest]],
]

test.each(FORGERIES)('finds a line of an archive that was %s', async (_how, told, change) => {
  await writeTrail(database.db, 3)
  await runJob()
  await forge(change(await linesOf()))
  expect(await verify()).toBe(`audit trail: archive ${FIRST} ${told}`)
})

test('finds an archive whose file or manifest is missing, or whose manifest says otherwise', async () => {
  await writeTrail(database.db, 3)
  await runJob()
  const path = join(folder, 'audit-000000000001-000000000002.manifest.json')
  await appendFile(path, ' ')
  expect(await verify()).toBe(`audit trail: archive ${FIRST} has a manifest that says otherwise`)
  await unlink(path)
  expect(await verify()).toBe(`audit trail: archive ${FIRST} has no manifest`)
  await unlink(join(folder, FIRST))
  expect(await verify()).toBe(`audit trail: archive ${FIRST} is missing`)
})

const AFTER: readonly (readonly [string, string, string])[] = [
  [
    'a row after the archives was deleted with its link',
    'the chain goes from position',
    `
    with gone as (delete from audit_chain where position = 4 returning event_seq)
    delete from audit_event where seq in (select event_seq from gone)`,
  ],
  [
    'a record of an archive was deleted',
    'does not follow position 0',
    `
    delete from audit_archive where last_position = 2`,
  ],
  [
    'the last record of an archive was deleted',
    'the chain goes from position 0 to 4',
    `
    delete from audit_archive where last_position = 3`,
  ],
]

test.each(AFTER)(
  'finds that %s, and so does the check of the book',
  async (_what, told, change) => {
    await writeTrail(database.db, 3)
    await runJob()
    await unguarded(database.db, (trx) => sql.raw(change).execute(trx))
    expect(await verify()).toContain(told)
    expect(await breaksOfBook()).toMatchObject([{ invariant: 'AUDIT' }])
  },
)

test('heads noted outside are held against archives and table alike', async () => {
  const anchors = createAuditAnchors(join(folder, 'anchors'))
  const chain = createAuditChain(database.db)
  await writeTrail(database.db, 0)
  await anchors.note(await chain.head(), NOW)
  await anchors.note(await chain.head(), NOW)
  await writeTrail(database.db, 1)
  await anchors.note(await chain.head(), NOW)
  expect((await anchors.read()).map(({ position }) => position)).toEqual([2, 5])
  await runJob({ ...deps(), clock: manualClock(addMs(NOW, DAY_MS)) })
  expect(await verify()).toContain('the trail holds: 5 events')
  const file = join(folder, 'anchors', 'heads.txt')
  const noted = await readFile(file, 'utf8')
  await writeFile(file, noted.replace(/ 2:[0-9a-f]{64}/, ` 2:${'a'.repeat(64)}`))
  expect(await verify()).toBe(
    `audit trail: archive ${FIRST} has another hash than was noted for position 2: the chain was rewritten`,
  )
  await writeFile(file, `${noted}2026-03-01T04:00:00.000Z 6:${'a'.repeat(64)}\n`)
  expect(await verify()).toContain('before the noted 6')
})

test('a line that a killed process left half written is no noted head, and is written over', async () => {
  const anchors = createAuditAnchors(folder)
  const [one, two] = [
    { position: 1, hash: 'a'.repeat(64) },
    { position: 2, hash: 'b'.repeat(64) },
  ]
  await anchors.note(one, NOW)
  await appendFile(join(folder, 'heads.txt'), '2026-03-01T04')
  expect(await anchors.read()).toEqual([one])
  await anchors.note(two, NOW)
  expect(await anchors.read()).toEqual([one, two])
  await appendFile(join(folder, 'heads.txt'), 'nonsense\n')
  await expect(anchors.read()).rejects.toThrow('line 3 is no noted head')
})
