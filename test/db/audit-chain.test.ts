import { readdirSync, readFileSync } from 'node:fs'

import { sql, type RawBuilder } from 'kysely'
import { describe, expect, test } from 'vitest'

import type { Database } from '../../db/client.ts'
import { createAuditChain } from '../../db/stores/audit-chain.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { parseInstant } from '../../domain/time.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createTestDatabase } from '../support/database.ts'
import { runCommand } from '../support/read-commands.ts'
import { unguarded } from '../support/unguarded.ts'

const AT = parseInstant('2013-03-09T12:00:00Z')

/** Events 1 to `count`, each in a transaction of its own. */
async function writeEvents(db: Database, count: number): Promise<void> {
  const log = createAuditLog(db)
  for (let i = 1; i <= count; i += 1) {
    await log.record({
      at: AT,
      actor: i % 2 === 0 ? 'ann' : 'bob',
      action: 'policy.cancel',
      subject: `policy:P-${i}`,
      details: { reason: 'Überbuchung "x"', before: null, after: { n: i, rate: 1.5 } },
    })
  }
}

const report = (db: Database) => createAuditChain(db).verify()

const DEFECTS: readonly (readonly [string, string, RawBuilder<unknown>])[] = [
  [
    'an event whose actor was changed',
    'audit event 3: is not what was written',
    sql`update audit_event set actor = 'eve' where seq = 3`,
  ],
  [
    'an event whose details were changed',
    'audit event 3: is not what was written',
    sql`update audit_event set details = details || '{"reason": "other"}' where seq = 3`,
  ],
  [
    'an event whose time was moved by a microsecond',
    'audit event 3: is not what was written',
    sql`update audit_event set at = at + interval '1 microsecond' where seq = 3`,
  ],
  [
    'an event that was deleted',
    'audit event 3: was deleted',
    sql`delete from audit_event where seq = 3`,
  ],
  [
    'an event that was deleted with its link',
    'audit event 4: the chain goes from position 2 to 4: events were removed',
    sql`with gone as (delete from audit_chain where position = 3)
      delete from audit_event where seq = 3`,
  ],
  [
    'an event that was changed with its link',
    'audit event 4: is not bound to the event before it',
    sql`update audit_event set actor = 'eve' where seq = 3;
      update audit_chain c set hash = encode(sha256(convert_to(jsonb_build_array(
        c.position, c.prev_hash, e.seq, (extract(epoch from e.at) * 1000000)::bigint,
        e.actor, e.action, e.subject, e.details, e.correlation_id)::text, 'UTF8')), 'hex')
      from audit_event e where e.seq = c.event_seq and c.position = 3`,
  ],
  [
    'the newest events, removed with their links',
    'audit trail: the chain ends at position 4, its head is at 5: the newest events were removed',
    sql`with gone as (delete from audit_chain where position = 5)
      delete from audit_event where seq = 5`,
  ],
  [
    'an event that was slipped in',
    'audit event 6: was written around the chain',
    sql`insert into audit_event (at, actor, action, subject) values (now(), 'eve', 'x', 'y')`,
  ],
]

describe('the audit chain', () => {
  test('holds when nobody touched it, also when it is empty', async () => {
    await using database = await createTestDatabase({ max: 2 })
    expect(await report(database.db)).toMatchObject({ events: 0, firstBreak: null })
    await writeEvents(database.db, 3)
    expect(await report(database.db)).toMatchObject({
      events: 3,
      head: { position: 3 },
      firstBreak: null,
    })
  })

  test('stays one line when transactions write several events at once', async () => {
    await using database = await createTestDatabase({ max: 8 })
    const { db } = database
    const write = (i: number) =>
      sql`insert into audit_event (at, actor, action, subject)
        select now(), 'writer', 'test', 'test:' || ${i}::int || '-' || n from generate_series(1, 5) n`.execute(
        db,
      )
    await Promise.all(Array.from({ length: 24 }, (_, i) => write(i)))
    expect(await report(db)).toMatchObject({ events: 120, firstBreak: null })
    const { rows } = await sql<{ n: number; last: number }>`
      select count(*) as n, max(position) as last from audit_chain`.execute(db)
    expect(rows).toEqual([{ n: 120, last: 120 }])
  })

  test('leaves no link of a transaction that was rolled back', async () => {
    await using database = await createTestDatabase({ max: 2 })
    const { db } = database
    const failing = db.transaction().execute(async (trx) => {
      await writeEvents(trx, 2)
      await sql`set constraints all immediate`.execute(trx)
      throw new Error('not today')
    })
    await expect(failing).rejects.toThrow('not today')
    await writeEvents(db, 1)
    expect(await report(db)).toMatchObject({ events: 1, firstBreak: null })
  })

  test('reads more than one page', async () => {
    await using database = await createTestDatabase({ max: 2 })
    const { db } = database
    await sql`insert into audit_event (at, actor, action, subject)
      select now(), 'writer', 'test', 'test:' || n from generate_series(1, 2100) n`.execute(db)
    expect(await report(db)).toMatchObject({ events: 2_100, firstBreak: null })
    await unguarded(db, (trx) =>
      sql`update audit_event set actor = 'eve' where seq in (2050, 2060)`.execute(trx),
    )
    expect(await report(db)).toMatchObject({ firstBreak: { seq: 2_050 } })
  })

  test('refuses a change of a link while the triggers are awake', async () => {
    await using database = await createTestDatabase({ max: 2 })
    const { db } = database
    await writeEvents(db, 1)
    await expect(sql`update audit_chain set position = 9`.execute(db)).rejects.toThrow(
      'append-only',
    )
    await expect(sql`delete from audit_chain`.execute(db)).rejects.toThrow('append-only')
  })

  test('takes in the events of a database from before it', async () => {
    await using database = await createTestDatabase({ isEmpty: true, max: 2 })
    const { db } = database
    const folder = new URL('../../db/migrations/', import.meta.url)
    const files = readdirSync(folder).toSorted()
    const apply = async (names: readonly string[]) => {
      for (const name of names) {
        await sql.raw(readFileSync(new URL(name, folder), 'utf8')).execute(db)
      }
    }
    await apply(files.filter((name) => name < '0050'))
    await writeEvents(db, 3)
    await apply(files.filter((name) => name >= '0050'))
    await writeEvents(db, 1)
    expect(await report(db)).toMatchObject({ events: 4, firstBreak: null })
  })
})

describe('groundstop audit verify', () => {
  test('ends well and tells the head', async () => {
    await using database = await createTestDatabase({ max: 2 })
    await writeEvents(database.db, 2)
    const { head } = await report(database.db)
    const { out, error } = await runCommand(database.url, ['audit', 'verify'])
    expect(error).toBeNull()
    expect(out).toBe(`the trail holds: 2 events, head 2:${head.hash}\n`)
  })

  test.each(DEFECTS)('finds %s, and so does the check of the book', async (_what, told, defect) => {
    await using database = await createTestDatabase({ max: 2 })
    const { db } = database
    await writeEvents(db, 5)
    await unguarded(db, (trx) => defect.execute(trx))
    const { error } = await runCommand(database.url, ['audit', 'verify'])
    expect(error).toMatchObject({ name: 'CliError', exitCode: 1, message: told })
    const { breaks } = await verifyBooks({ ledgerStore: createLedgerStore(db) })
    expect(breaks).toMatchObject([{ invariant: 'AUDIT' }])
  })

  test('finds a chain that was rewritten from an event on, by a head noted earlier', async () => {
    await using database = await createTestDatabase({ max: 2 })
    const { db } = database
    await writeEvents(db, 3)
    const noted = (await report(db)).head
    const anchor = `${noted.position}:${noted.hash}`
    await writeEvents(db, 2)
    expect(
      (await runCommand(database.url, ['audit', 'verify', '--anchor', anchor])).error,
    ).toBeNull()
    // Somebody with every right on the database writes all of it anew, one actor apart.
    await unguarded(db, async (trx) => {
      await sql`update audit_event set actor = 'eve' where seq = 2`.execute(trx)
      await sql`delete from audit_chain`.execute(trx)
      await sql`update audit_head set position = 0, hash = repeat('0', 64)`.execute(trx)
      await sql`do $$ declare e audit_event; begin
        for e in select * from audit_event order by seq loop perform append_to_audit_chain(e); end loop;
      end $$`.execute(trx)
    })
    expect((await report(db)).firstBreak).toBeNull()
    const { error } = await runCommand(database.url, ['audit', 'verify', '--anchor', anchor])
    expect(error).toMatchObject({
      message:
        'audit event 3: has another hash than was noted for position 3: the chain was rewritten',
    })
  })

  test('finds a chain that ends before a head noted earlier', async () => {
    await using database = await createTestDatabase({ max: 2 })
    await writeEvents(database.db, 1)
    const anchor = `2:${'a'.repeat(64)}`
    const { error } = await runCommand(database.url, ['audit', 'verify', '--anchor', anchor])
    expect(error).toMatchObject({
      message: 'audit trail: the chain ends at position 1, before the noted 2',
    })
  })
})

describe('groundstop audit list', () => {
  test('shows the newest first, by actor, subject and time, in pages', async () => {
    await using database = await createTestDatabase({ max: 2 })
    await writeEvents(database.db, 5)
    const list = async (...words: string[]) => {
      const { out, error } = await runCommand(database.url, ['audit', 'list', '--json', ...words])
      expect(error).toBeNull()
      return JSON.parse(out) as { items: { seq: number }[]; nextCursor: string | null }
    }
    const seqs = async (...words: string[]) => (await list(...words)).items.map(({ seq }) => seq)
    expect(await seqs()).toEqual([5, 4, 3, 2, 1])
    expect(await seqs('--actor', 'ann')).toEqual([4, 2])
    expect(await seqs('--subject', 'policy:P-3')).toEqual([3])
    expect(await seqs('--action', 'policy.bind')).toEqual([])
    expect(await seqs('--from', '2013-03-09T12:00:00Z')).toEqual([5, 4, 3, 2, 1])
    expect(await seqs('--until', '2013-03-09T12:00:00Z')).toEqual([])
    const first = await list('--limit', '3')
    expect(await seqs('--limit', '3', '--cursor', first.nextCursor ?? '')).toEqual([2, 1])
  })
})
