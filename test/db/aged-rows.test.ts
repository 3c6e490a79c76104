/** What has had its time goes, in batches; what has not, or is evidence, stays. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { createAgedRows, type RowClass } from '../../db/stores/aged-rows.ts'
import { createRunLogStore } from '../../db/stores/run-log-store.ts'
import type { Amount } from '../../domain/ports/aged-things.ts'
import { parseInstant } from '../../domain/time.ts'
import { cleanUp } from '../../operations/clean-up.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { unguarded } from '../support/unguarded.ts'

const BEFORE = parseInstant('2026-03-01T00:00:00Z')
const AGED = '2026-02-28T23:59:59.999Z'

let database: TestDatabase

beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database[Symbol.asyncDispose]())

const aged = (name: RowClass) => createAgedRows(database.db)[name]

async function keys(table: string, column: string): Promise<string[]> {
  const { rows } = await sql<{ key: string }>`
    select ${sql.ref(column)}::text as key from ${sql.table(table)} order by 1`.execute(database.db)
  return rows.map(({ key }) => key)
}

/** The same rows; a row's bytes differ by some of alignment with the way it is read. */
const about = ({ items, bytes }: Amount) => ({
  items,
  bytes: expect.toSatisfy((found: number) => Math.abs(found - bytes) <= 8 * items),
})

async function request(key: string, at: string, answer: number | null = 200): Promise<void> {
  await sql`
    insert into idempotent_request (scope, key, request_sha256, response_status, locked_until, created_at)
    values ('quotes', ${key}, 'x', ${answer}, ${at}::timestamptz, ${at}::timestamptz)`.execute(
    database.db,
  )
}

describe('answers by Idempotency-Key', () => {
  test('of the last moment before go, of the moment itself stay', async () => {
    await request('aged', AGED)
    await request('young', BEFORE)
    expect(await aged('idempotent-requests').removeBatch(BEFORE, 100)).toMatchObject({ items: 1 })
    expect(await keys('idempotent_request', 'key')).toEqual(['young'])
  })

  test('that are still being worked out stay', async () => {
    await request('at-work', AGED, null)
    await sql`update idempotent_request set locked_until = '2026-03-02'`.execute(database.db)
    expect(await aged('idempotent-requests').removeBatch(BEFORE, 100)).toEqual({
      items: 0,
      bytes: 0,
    })
  })

  test('given up without an answer go', async () => {
    await request('given-up', AGED, null)
    expect(await aged('idempotent-requests').removeBatch(BEFORE, 100)).toMatchObject({ items: 1 })
  })

  test('are counted by a dry run as they would go, and stay', async () => {
    for (const key of ['a', 'b', 'c']) await request(key, AGED)
    const counted = await aged('idempotent-requests').count(BEFORE)
    expect(counted.items).toBe(3)
    expect(counted.bytes).toBeGreaterThan(0)
    expect(await keys('idempotent_request', 'key')).toHaveLength(3)
    expect(await aged('idempotent-requests').removeBatch(BEFORE, 100)).toEqual(about(counted))
  })

  test('go the oldest first, at most as many as the batch', async () => {
    await request('younger', AGED)
    await request('oldest', '2026-01-01')
    await request('older', '2026-01-02')
    expect(await aged('idempotent-requests').removeBatch(BEFORE, 2)).toMatchObject({ items: 2 })
    expect(await keys('idempotent_request', 'key')).toEqual(['younger'])
  })

  test('that somebody else holds are passed over, not waited for', async () => {
    await request('held', '2026-01-01')
    await request('free', AGED)
    await database.db.transaction().execute(async (trx) => {
      await sql`select from idempotent_request where key = 'held' for update`.execute(trx)
      expect(await aged('idempotent-requests').removeBatch(BEFORE, 2)).toMatchObject({ items: 1 })
    })
    expect(await keys('idempotent_request', 'key')).toEqual(['held'])
  })

  test('a cleanup broken off between batches and begun again ends with the same rows', async () => {
    for (let n = 0; n < 25; n += 1) await request(`aged-${n}`, AGED)
    await request('young', BEFORE)
    const cut = { class: 'idempotent-requests', before: BEFORE, batchSize: 10 } as const
    const deps = { aged: { ...createAgedRows(database.db), files: noFiles, logs: noFiles } }
    const stop = new AbortController()
    const broken = cleanUp(deps, cut, {
      maxBatches: 20,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('killed')),
    })
    await expect(broken).rejects.toThrow('killed')
    expect(await keys('idempotent_request', 'key')).toHaveLength(16)
    const rest = await cleanUp(deps, cut, { maxBatches: 20 })
    expect(rest).toMatchObject({ items: 15, isComplete: true })
    expect(await keys('idempotent_request', 'key')).toEqual(['young'])
  })

  test('a step ends with its last batch and says that more is left', async () => {
    for (let n = 0; n < 25; n += 1) await request(`aged-${n}`, AGED)
    const cut = { class: 'idempotent-requests', before: BEFORE, batchSize: 10 } as const
    const deps = { aged: { ...createAgedRows(database.db), files: noFiles, logs: noFiles } }
    expect(await cleanUp(deps, cut, { maxBatches: 2 })).toMatchObject({
      items: 20,
      isComplete: false,
    })
  })
})

const noFiles = {
  count: async () => ({ items: 0, bytes: 0 }),
  removeBatch: async () => ({ items: 0, bytes: 0 }),
}

type Message = { state?: string; at?: string; updatedAt?: string; resendOf?: string }

async function message(change: Message = {}): Promise<string> {
  const { state = 'FAILED', at = AGED, updatedAt = at, resendOf = null } = change
  const id = randomUUID()
  const isSent = state === 'SENT'
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref,
      content, state, reason, sent_at, resend_of, created_at, updated_at)
    values (${id}::uuid, 'operator', 'operator-notice', 1, 'en', 'slack', 'operators', '{}', ${state},
      'TEST', ${isSent ? at : null}::timestamptz, ${resendOf}::uuid, ${at}::timestamptz,
      ${updatedAt}::timestamptz)`.execute(database.db)
  return id
}

describe('messages', () => {
  test('sent or given up go, queued ones stay however old', async () => {
    const queued = await message({ state: 'QUEUED' })
    await message({ state: 'SENT' })
    await message({ state: 'FAILED' })
    expect(await aged('operator-messages').removeBatch(BEFORE, 100)).toMatchObject({ items: 2 })
    expect(await keys('notification', 'id')).toEqual([queued])
  })

  test('that were sent only lately stay', async () => {
    await message({ state: 'SENT', updatedAt: BEFORE })
    expect(await aged('operator-messages').removeBatch(BEFORE, 100)).toMatchObject({ items: 0 })
  })

  test('to operators do not go with those to holders', async () => {
    await message()
    expect(await aged('holder-messages').removeBatch(BEFORE, 100)).toMatchObject({ items: 0 })
  })

  test('that were sent again stay as long as their repetition, and go after it', async () => {
    const first = await message()
    const again = await message({ resendOf: first, at: BEFORE })
    expect(await aged('operator-messages').removeBatch(BEFORE, 100)).toMatchObject({ items: 0 })
    const later = parseInstant('2026-03-01T00:00:01Z')
    expect(await aged('operator-messages').removeBatch(later, 1)).toMatchObject({ items: 1 })
    expect(await keys('notification', 'id')).toEqual([first])
    expect(again).not.toBe(first)
    expect(await aged('operator-messages').removeBatch(later, 1)).toMatchObject({ items: 1 })
  })
})

describe('notices to operators', () => {
  async function notice(key: string, recoveredAt: string | null): Promise<void> {
    await sql`
      insert into operator_notice (key, severity, recovered_at)
      values (${key}, 'warning', ${recoveredAt}::timestamptz)`.execute(database.db)
  }

  test('that recovered go, open ones stay', async () => {
    await notice('over', AGED)
    await notice('open', null)
    expect(await aged('operator-notices').removeBatch(BEFORE, 100)).toMatchObject({ items: 1 })
    expect(await keys('operator_notice', 'key')).toEqual(['open'])
  })

  test('stay while a message of their time is kept, whose id a new one would have', async () => {
    await notice('over', AGED)
    await message({ at: '2026-02-01' })
    expect(await aged('operator-notices').removeBatch(BEFORE, 100)).toMatchObject({ items: 0 })
    await aged('operator-messages').removeBatch(BEFORE, 100)
    expect(await aged('operator-notices').removeBatch(BEFORE, 100)).toMatchObject({ items: 1 })
  })
})

describe('quotes', () => {
  async function quote(state: string, expiresAt: string): Promise<string> {
    const id = randomUUID()
    await unguarded(database.db, (trx) =>
      sql`
        insert into quote (id, product_version_id, leg_key, sold, leg, sum_insured_minor, currency,
          premium_minor, rate, terms, amounts, quoted_at, expires_at, state, declined, policy_id, closed_at)
        values (${id}::uuid, ${id}::uuid, 'x', '{}', '{}', 2, 'USD', 1, '{}', '{}', '{}', '2026-01-01',
          ${expiresAt}::timestamptz, ${state}, ${state === 'DECLINED' ? '{}' : null}::jsonb,
          ${state === 'BOUND' ? id : null}::uuid,
          ${state === 'QUOTED' ? null : expiresAt}::timestamptz)`.execute(trx),
    )
    return id
  }

  test('that lapsed go, whether or not somebody tried to bind them; bound and declined stay', async () => {
    await quote('QUOTED', AGED)
    await quote('LAPSED', AGED)
    const kept = [await quote('BOUND', AGED), await quote('DECLINED', AGED)].toSorted()
    const counted = await aged('quotes').count(BEFORE)
    expect(counted.items).toBe(2)
    expect(await aged('quotes').removeBatch(BEFORE, 100)).toEqual(about(counted))
    expect(await keys('quote', 'id')).toEqual(kept)
  })

  test('that may still be bound stay', async () => {
    await quote('QUOTED', BEFORE)
    expect(await aged('quotes').removeBatch(BEFORE, 100)).toMatchObject({ items: 0 })
  })

  test('are deleted by no other statement, and a bound one by none', async () => {
    await quote('LAPSED', AGED)
    const plain = sql`delete from quote`.execute(database.db)
    await expect(plain).rejects.toThrow('quote is append-only: delete refused')
    await expect(sql`truncate quote`.execute(database.db)).rejects.toThrow('truncate refused')
    await quote('BOUND', AGED)
    const disguised = database.db.transaction().execute(async (trx) => {
      await sql`set local groundstop.retention = 'on'`.execute(trx)
      await sql`delete from quote where state = 'BOUND'`.execute(trx)
    })
    await expect(disguised).rejects.toThrow('quote is append-only: delete refused')
  })
})

describe('events of rails', () => {
  async function event(eventId: string, closedAt: string | null): Promise<void> {
    await sql`
      insert into payment_event (source, event_id, type, object_id, occurred_at, payload, channel,
        outcome, closed_at)
      values ('stripe', ${eventId}, 'transfer.reversed', 'tr_1', '2026-01-01', '{}', 'webhook',
        ${closedAt === null ? null : 'unchanged'}, ${closedAt}::timestamptz)`.execute(database.db)
  }

  test('that were applied go, those to be looked up stay however old', async () => {
    await event('evt_open', null)
    await event('evt_young', BEFORE)
    await event('evt_aged', AGED)
    const counted = await aged('rail-events').count(BEFORE)
    expect(await aged('rail-events').removeBatch(BEFORE, 100)).toEqual(about(counted))
    expect(await keys('payment_event', 'event_id')).toEqual(['evt_open', 'evt_young'])
  })

  test('are deleted by no other statement', async () => {
    await event('evt_aged', AGED)
    await expect(sql`delete from payment_event`.execute(database.db)).rejects.toThrow(
      'payment_event is append-only: delete refused',
    )
    await expect(sql`truncate payment_event`.execute(database.db)).rejects.toThrow('refused')
  })
})

describe('leftovers', () => {
  test('of reconciliation go by when they were listed', async () => {
    await sql`
      insert into listed_transfer (run_id, transfer_id, amount_minor, currency, transferred_at, created_at)
      select groundstop_id('run'), 'tr_' || n, 1, 'USD', now(), ${BEFORE}::timestamptz - n * interval '1 ms'
      from generate_series(0, 2) n`.execute(database.db)
    expect(await aged('listed-transfers').removeBatch(BEFORE, 100)).toMatchObject({ items: 2 })
  })

  test('of rails that nobody tries any more go, tried ones stay', async () => {
    await sql`
      insert into rail_hold (provider, currency, held_since, next_probe_at) values
      ('stripe', 'USD', '2026-01-01', ${AGED}::timestamptz),
      ('stripe', 'EUR', '2026-01-01', ${BEFORE}::timestamptz)`.execute(database.db)
    expect(await aged('rail-holds').removeBatch(BEFORE, 100)).toMatchObject({ items: 1 })
    expect(await keys('rail_hold', 'currency')).toEqual(['EUR'])
  })
})

describe('tasks', () => {
  async function task(state: string, at: string): Promise<string> {
    const id = randomUUID()
    const created = '2026-01-01T00:00:00Z'
    await sql`
      insert into task (id, owner, job, input, priority, timing, tolerance_min, due_at, timed_at, reason,
        look_at, applied_revision)
      values (${id}::uuid, 'user:ana', 'maintenance', '{}'::jsonb, 'LOW', '{"kind": "once"}'::jsonb, 5,
        ${created}::timestamptz, ${created}::timestamptz, 'tried out', ${created}::timestamptz, 1)`.execute(
      database.db,
    )
    await sql`update task set state = ${state}, updated_at = ${at}::timestamptz
      where id = ${id}::uuid`.execute(database.db)
    await sql`
      insert into schedule_watch (schedule_id, spec, is_paused, checked_until)
      values (${`task-${id}`}, '{}'::jsonb, true, ${at}::timestamptz)`.execute(database.db)
    return id
  }
  const remove = () => aged('ended-tasks').removeBatch(BEFORE, 100)

  test.each(['DONE', 'FAILED', 'MISSED', 'CANCELLED'])(
    'that are %s go, with what the switch knows of them; younger ones stay',
    async (state) => {
      await task(state, AGED)
      const young = await task(state, BEFORE)
      expect(await remove()).toMatchObject({ items: 1 })
      expect(await keys('task', 'id')).toEqual([young])
      expect(await keys('schedule_watch', 'schedule_id')).toEqual([`task-${young}`])
    },
  )

  test.each(['SCHEDULED', 'PAUSED'])('that are %s stay, however old', async (state) => {
    await task(state, AGED)
    expect(await remove()).toMatchObject({ items: 0 })
  })

  test('whose end the server has not been told stay', async () => {
    await task('CANCELLED', AGED)
    await sql`update task set revision = 2`.execute(database.db)
    expect(await remove()).toMatchObject({ items: 0 })
  })
})

test('log lines of runs of the last moment before go, of the moment itself stay', async () => {
  const store = createRunLogStore(database.db)
  const line = {
    workflowId: 'w',
    runId: randomUUID(),
    writer: randomUUID(),
    level: 'info',
  } as const
  await store.append([
    { ...line, n: 1, at: parseInstant(AGED), event: 'aged', data: '{}' },
    { ...line, n: 2, at: BEFORE, event: 'young', data: '{}' },
  ])
  expect(await aged('run-logs').removeBatch(BEFORE, 100)).toMatchObject({ items: 1 })
  expect(await keys('run_log_line', 'event')).toEqual(['young'])
})
