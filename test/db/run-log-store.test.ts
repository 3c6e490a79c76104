/** What is kept of runs' log lines: once each, in order, the first thousand of a run. */
import { randomUUID } from 'node:crypto'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createRunLogStore } from '../../db/stores/run-log-store.ts'
import { PageCursorError } from '../../domain/ports/page.ts'
import type { RunLineFilter, WrittenLine } from '../../domain/ports/run-log.ts'
import { addMs, parseInstant, SECOND_MS } from '../../domain/time.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const AT = parseInstant('2026-03-01T12:00:00Z')
const WRITER = randomUUID()

let database: TestDatabase
let counted = 0

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const store = () => createRunLogStore(database.db)

function line(change: Partial<WrittenLine> = {}): WrittenLine {
  counted += 1
  return {
    ...{ workflowId: 'payout:x', runId: randomUUID(), at: AT, writer: WRITER, n: counted },
    ...{ level: 'info', event: `line-${counted}`, data: '{"legs": 3}' },
    ...change,
  }
}

/** Lines of one run of an id of its own. */
function linesOf(count: number, change: (i: number) => Partial<WrittenLine> = () => ({})) {
  const run = { workflowId: `payout:${randomUUID()}`, runId: randomUUID() }
  const lines = Array.from({ length: count }, (_, i) => line({ ...run, ...change(i) }))
  return { ...run, lines }
}

async function eventsOf(filter: RunLineFilter): Promise<string[]> {
  return (await store().list(filter, { limit: 2_000 })).items.map(({ event }) => event)
}

describe('lines', () => {
  it('that are sent twice are kept once', async () => {
    const { workflowId, lines } = linesOf(2)
    await store().append(lines)
    await store().append(lines)
    expect(await eventsOf({ workflowId })).toEqual(lines.map(({ event }) => event))
  })

  it('up to the thousandth of a run are kept, over several statements; the next is not', async () => {
    const { workflowId, runId, lines } = linesOf(1_001)
    const other = line({ workflowId })
    await store().append(lines.slice(0, 600))
    await store().append([...lines.slice(600), other])
    expect(await eventsOf({ workflowId, runId })).toHaveLength(1_000)
    expect(await eventsOf({ workflowId, runId })).toContain(lines[999]?.event)
    expect(await eventsOf({ workflowId, runId: other.runId })).toEqual([other.event])
  })

  it('are in the order of time, in pages, with what they were about', async () => {
    const { workflowId, runId, lines } = linesOf(3, (i) => ({ at: addMs(AT, -i * SECOND_MS) }))
    await store().append(lines)
    const first = await store().list({ workflowId }, { limit: 2 })
    const cursor = first.nextCursor ?? undefined
    const rest = await store().list({ workflowId }, { limit: 2, cursor })
    expect([...first.items, ...rest.items].map(({ event }) => event)).toEqual(
      lines.map(({ event }) => event).toReversed(),
    )
    const { event } = lines[2] ?? line()
    const at = addMs(AT, -2 * SECOND_MS)
    expect(first.items[0]).toEqual({
      ...{ workflowId, runId, at, level: 'info', event, data: { legs: 3 } },
    })
    expect(rest.nextCursor).toBeNull()
    const elsewhere = store().list({ workflowId: 'payout:other' }, { limit: 2, cursor })
    await expect(elsewhere).rejects.toBeInstanceOf(PageCursorError)
  })

  it('are found by level and worse, and from a moment on', async () => {
    const levels = ['info', 'warn', 'error'] as const
    const { workflowId, lines } = linesOf(3, (i) => ({
      level: levels[i] ?? 'info',
      at: addMs(AT, i * SECOND_MS),
    }))
    await store().append(lines)
    const [info, warn, error] = lines.map(({ event }) => event)
    expect(await eventsOf({ workflowId, level: 'info' })).toEqual([info, warn, error])
    expect(await eventsOf({ workflowId, level: 'warn' })).toEqual([warn, error])
    expect(await eventsOf({ workflowId, since: addMs(AT, SECOND_MS) })).toEqual([warn, error])
    expect(await eventsOf({ workflowId, since: addMs(AT, SECOND_MS + 1) })).toEqual([error])
  })
})
