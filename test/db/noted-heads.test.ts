/** A verification of the book notes where the audit trail ends, and only of a trail that is whole. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createBookVerificationActivities } from '../../activities/book-verification.ts'
import { createAuditAnchors } from '../../adapters/files/audit-anchors.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createBookBreakCases } from '../../db/stores/book-break-cases.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createReplaySource } from '../../db/stores/replay-source.ts'
import { parseInstant } from '../../domain/time.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { manualClock } from '../support/builders.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { unguarded } from '../support/unguarded.ts'

const AT = parseInstant('2013-03-09T12:00:00Z')

let database: TestDatabase
let folder: string

beforeAll(async () => {
  database = await createTestDatabase({ max: 2 })
  folder = await mkdtemp(join(tmpdir(), 'noted-heads-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await database[Symbol.asyncDispose]()
})

async function writeEvent(subject: string): Promise<void> {
  const event = { at: AT, actor: 'ann', action: 'test', subject, details: { reason: 'x' } }
  await createAuditLog(database.db).record(event)
}

/** What the run tells after its checks, and the positions that are noted then. */
async function verify(): Promise<readonly number[]> {
  const { db } = database
  const ledgerStore = createLedgerStore(db)
  const auditAnchors = createAuditAnchors(folder)
  const activities = createBookVerificationActivities({
    ledgerStore,
    replaySource: createReplaySource(db),
    bookBreakCases: createBookBreakCases(db),
    auditChain: createAuditChain(db),
    auditAnchors,
    clock: manualClock(AT),
    events: { bookVerified: () => undefined },
  })
  const { breaks } = await verifyBooks({ ledgerStore })
  await activities.tellBreaks({ breaks, checked: ['AUDIT'] })
  return (await auditAnchors.read()).map(({ position }) => position)
}

test('a verification notes the head of a trail that is whole, once, and none of a broken one', async () => {
  await writeEvent('one')
  expect(await verify()).toEqual([1])
  expect(await verify()).toEqual([1])
  await writeEvent('two')
  await unguarded(database.db, (trx) =>
    sql`update audit_event set actor = 'eve' where subject = 'one'`.execute(trx),
  )
  expect(await verify()).toEqual([1])
  await unguarded(database.db, (trx) =>
    sql`update audit_event set actor = 'ann' where subject = 'one'`.execute(trx),
  )
  // The end of the case that the break had opened is on the trail as well.
  const noted = await verify()
  expect(noted).toEqual([1, (await createAuditChain(database.db).head()).position])
})
