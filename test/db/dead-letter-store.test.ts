/** Dead letters: what opens and closes them, how many may be open, money, and who did what. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

import { createDeadLetterStore } from '../../db/stores/dead-letter-store.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import type { LetterFilter, LetterNote } from '../../domain/ports/dead-letter-store.ts'
import type { RunEnd, RunRecord } from '../../domain/run.ts'
import { addMs, parseInstant, SECOND_MS } from '../../domain/time.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'

const AT = parseInstant('2026-03-01T12:00:00Z')
const NOTE: LetterNote = { by: 'user:ana', reason: 'checked with the rail', at: AT }
const COVERING = ['flight-monitor']

let database: TestDatabase | undefined

beforeEach(async () => {
  await database?.[Symbol.asyncDispose]()
  database = await createTestDatabase()
})
afterAll(() => database?.[Symbol.asyncDispose]())

function db() {
  if (database === undefined) throw new Error('no database')
  return database.db
}
const letters = () => createDeadLetterStore(db())

function run(change: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: randomUUID(),
    workflowId: 'flight-monitor-2026-03-01T12:00:00Z',
    job: 'flight-monitor',
    status: 'failed',
    state: null,
    trigger: 'schedule',
    priority: 'HIGH',
    queue: 'monitoring',
    scheduleId: 'flight-monitor',
    nominalAt: AT,
    requestedAt: AT,
    startedAt: AT,
    closedAt: addMs(AT, SECOND_MS),
    isStuck: false,
    ...change,
  }
}

const END: RunEnd = {
  type: 'DatabaseUnavailable',
  message: 'pool 12 is gone',
  nextRunId: null,
  version: 'b1',
  isDead: true,
}

async function die(change: Partial<RunRecord> = {}, end: Partial<RunEnd> = {}): Promise<RunRecord> {
  const record = run(change)
  const store = createRunStore(db())
  await store.save([record])
  await store.saveEnds([{ runId: record.runId, ...END, ...end }])
  return record
}

async function stateOf({ runId }: RunRecord): Promise<string | undefined> {
  return (await letters().find(runId))?.state
}

describe('a letter opens', () => {
  it('for a run that failed for good, once', async () => {
    const dead = await die()
    await createRunStore(db()).saveEnds([{ runId: dead.runId, ...END }])
    const { items } = await letters().list({}, { limit: 10 })
    expect(items).toMatchObject([
      { runId: dead.runId, kind: 'failed', state: 'OPEN', errorType: 'DatabaseUnavailable' },
    ])
  })

  it('not for a run that goes on in another attempt, or whose end a person wanted', async () => {
    await die({}, { isDead: false, nextRunId: randomUUID() })
    await die({ status: 'terminated' }, { isDead: false, type: 'Terminated' })
    expect((await letters().list({}, { limit: 10 })).items).toEqual([])
  })

  it('for a run that is parked, until it goes on', async () => {
    const open = { status: 'running', state: 'parked', closedAt: null } as const
    const parked = run({ ...open, job: 'payout', scheduleId: null, workflowId: 'payout:x' })
    const store = createRunStore(db())
    await store.save([parked])
    expect(await letters().sweep(COVERING)).toMatchObject({ opened: 1 })
    expect(await letters().sweep(COVERING)).toMatchObject({ opened: 0, recovered: 0 })
    expect(await stateOf(parked)).toBe('OPEN')
    await store.save([{ ...parked, state: null }])
    expect(await letters().sweep(COVERING)).toMatchObject({ recovered: 1 })
    expect(await stateOf(parked)).toBe('RECOVERED')
  })
})

describe('errors that read the same', () => {
  it('are one group, with first and last seen and the versions', async () => {
    await die()
    const later = addMs(AT, 60 * SECOND_MS)
    const again = { message: 'pool 13 is gone', version: 'b2' }
    await die({ startedAt: later, closedAt: later }, again)
    await die({}, { message: 'another thing' })
    const groups = await letters().groups(10)
    expect(groups.map(({ message, open, letters: ever }) => ({ message, open, ever }))).toEqual([
      { message: 'pool <n> is gone', open: 2, ever: 2 },
      { message: 'another thing', open: 1, ever: 1 },
    ])
    expect(groups[0]).toMatchObject({
      firstSeenAt: addMs(AT, SECOND_MS),
      lastSeenAt: later,
      firstVersion: 'b1',
      lastVersion: 'b2',
    })
  })
})

describe('letters can be told apart', () => {
  const failedAt = (seconds: number, version: string | null) => {
    const at = addMs(AT, seconds * SECOND_MS)
    return die({ startedAt: at, closedAt: at }, { version })
  }
  const listed = async (filter: LetterFilter) => {
    const { items } = await letters().list(filter, { limit: 10 })
    return items.map(({ runId }) => runId)
  }

  it('by when they failed: at the first instant, not at the last', async () => {
    const [early, late] = [await failedAt(60, 'b1'), await failedAt(120, 'b1')]
    const failedAfter = addMs(AT, 60 * SECOND_MS)
    const failedBefore = addMs(AT, 120 * SECOND_MS)
    expect(await listed({ failedAfter })).toEqual([late.runId, early.runId])
    expect(await listed({ failedAfter: addMs(failedAfter, 1) })).toEqual([late.runId])
    expect(await listed({ failedBefore })).toEqual([early.runId])
    expect(await listed({ failedAfter, failedBefore })).toEqual([early.runId])
  })

  it('by the version of the code that they failed under', async () => {
    const bad = await failedAt(60, 'b2')
    await failedAt(61, 'b1')
    await failedAt(62, null)
    expect(await listed({ version: 'b2' })).toEqual([bad.runId])
    expect(await letters().find(bad.runId)).toMatchObject({ version: 'b2' })
  })
})

describe('a later success', () => {
  const success = (seconds: number, change: Partial<RunRecord> = {}) =>
    run({ status: 'success', startedAt: addMs(AT, seconds * SECOND_MS), ...change })

  it.each([
    ['of the same schedule covers', 60, COVERING, 'COVERED'],
    ['does not cover a job that is to be parked', 60, [], 'OPEN'],
    ['that was earlier does not cover', -60, COVERING, 'OPEN'],
  ] as const)('%s', async (_name, seconds, covering, state) => {
    const dead = await die()
    const startedAt = addMs(AT, seconds * SECOND_MS)
    await createRunStore(db()).save([success(seconds, { closedAt: addMs(startedAt, 1) })])
    await letters().sweep(covering)
    expect(await stateOf(dead)).toBe(state)
  })

  it('of the same business key covers a run that was started by hand', async () => {
    const byHand = { scheduleId: null, trigger: 'cli', workflowId: 'flight-monitor:P-1' }
    const dead = await die(byHand)
    const other = await die({ ...byHand, workflowId: 'flight-monitor:P-2' })
    const closedAt = addMs(AT, 61 * SECOND_MS)
    await createRunStore(db()).save([success(60, { ...byHand, closedAt })])
    await letters().sweep(COVERING)
    expect([await stateOf(dead), await stateOf(other)]).toEqual(['COVERED', 'OPEN'])
  })
})

it('at most 1,000 are open; the oldest are archived and can still be found', async () => {
  const store = createRunStore(db())
  const dead = Array.from({ length: 1_001 }, (_, i) =>
    run({ closedAt: addMs(AT, i * SECOND_MS), job: 'maintenance', scheduleId: null }),
  )
  await store.save(dead)
  await store.saveEnds(dead.map(({ runId }) => ({ runId, ...END })))
  expect(await letters().sweep(COVERING)).toMatchObject({ archived: 1 })
  const { items } = await letters().list({ state: 'ARCHIVED' }, { limit: 10 })
  expect(items.map(({ runId }) => runId)).toEqual([dead[0]?.runId])
  expect(await letters().sweep(COVERING)).toMatchObject({ archived: 0 })
})

describe('money', () => {
  it('of payouts that are neither paid nor cancelled is at risk; what is paid is an effect', async () => {
    const payoutIds = await makePayoutBook(db(), { size: 3 })
    const batchId = randomUUID()
    await sql`insert into payout_batch (id, size) values (${batchId}::uuid, 3)`.execute(db())
    await sql`update payout set batch_id = ${batchId}::uuid`.execute(db())
    // Along its legal states.
    for (const state of ['APPROVED', 'SUBMITTED']) {
      await sql`update payout set state = ${state}, approved_by = 'policy'
        where id = ${payoutIds[0]}::uuid`.execute(db())
    }
    await sql`update payout set state = 'PAID', transfer_id = 'tr_1', approved_by = 'policy',
      paid_at = now() where id = ${payoutIds[0]}::uuid`.execute(db())
    const dead = await die({ job: 'payout', scheduleId: null, workflowId: `payout:${batchId}` })
    expect(await letters().find(dead.runId)).toMatchObject({
      moneyAtRisk: [{ currency: 'USD', amountMinor: '24000' }],
    })
    expect(await letters().effects(dead)).toEqual([
      { what: 'payout CREATED', count: 2, currency: 'USD', amountMinor: '24000' },
      { what: 'payout PAID', count: 1, currency: 'USD', amountMinor: '12000' },
    ])
    const [group] = await letters().groups(1)
    expect(group?.moneyAtRisk).toEqual([{ currency: 'USD', amountMinor: '24000' }])
    expect(await letters().effects(await die())).toEqual([])
  })
})

describe('people', () => {
  async function audited(): Promise<unknown[]> {
    const { rows } = await sql`
      select actor, action, details ->> 'reason' as reason from audit_event order by seq`.execute(
      db(),
    )
    return rows
  }

  it('discard a letter once, with who and why', async () => {
    const dead = await die()
    expect(await letters().discard(dead.runId, NOTE)).toBe(true)
    expect(await letters().discard(dead.runId, NOTE)).toBe(false)
    expect(await letters().claim(dead.runId, NOTE)).toBeNull()
    const { by: actor, reason } = NOTE
    expect(await audited()).toEqual([{ actor, action: 'run.discarded', reason }])
  })

  it('may begin a redrive again that died half-way, and end it once', async () => {
    const dead = await die()
    expect(await letters().claim(dead.runId, NOTE)).toMatchObject({ runId: dead.runId })
    expect(await letters().claim(dead.runId, NOTE)).toMatchObject({ runId: dead.runId })
    const started = { workflowId: 'w', runId: randomUUID(), input: 'same' as const }
    await letters().redriven(dead.runId, started, NOTE)
    await letters().redriven(dead.runId, { ...started, runId: randomUUID() }, NOTE)
    expect(await letters().claim(dead.runId, NOTE)).toBeNull()
    expect(await letters().find(dead.runId)).toMatchObject({
      state: 'REDRIVEN',
      redrivenRunId: started.runId,
      resolvedBy: NOTE.by,
    })
    expect(await audited()).toHaveLength(1)
  })
})
