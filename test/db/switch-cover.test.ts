import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createCoverSwitches } from '../../db/stores/cover-switch-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { addMs, MINUTE_MS, parseInstant } from '../../domain/time.ts'
import { UnknownProductError } from '../../operations/control-payouts.ts'
import { switchCover } from '../../operations/switch-cover.ts'
import { quoteDesk, type QuoteDesk } from '../support/quote-desk.ts'

let refs = 0
const DUE_AT = parseInstant('2026-03-02T06:00:00Z')

type Turn = { ref?: string; product?: string; dueAt?: string; lateMs?: number; told?: unknown[] }

function turn(desk: QuoteDesk, isArmed: boolean, more: Turn = {}) {
  const { ref = `ref-${(refs += 1)}`, product = 'FD45', dueAt = null, lateMs = 0, told = [] } = more
  const deps = {
    coverSwitches: createCoverSwitches(desk.db),
    operatorNoticeStore: createOperatorNoticeStore(desk.db),
    clock: desk.clock,
    wallNow: () => addMs(DUE_AT, lateMs),
    events: { coverSwitchMissed: (missed: unknown) => void told.push(missed) },
  }
  const note = { by: 'user:ana', reason: 'storm', dueAt, toleranceMin: 5 }
  return switchCover(deps, { product, isArmed, ref, ...note })
}

async function auditOf(desk: QuoteDesk): Promise<string[]> {
  const { rows } = await sql<{ action: string }>`
    select action from audit_event where subject = 'product:FD45' order by seq`.execute(desk.db)
  return rows.map(({ action }) => action)
}

test('a disarmed product is neither quoted nor bound, an armed one is', async () => {
  await using desk = await quoteDesk()
  const quoteId = await desk.quoteId()
  await turn(desk, false)
  expect(await desk.quote()).toMatchObject({ ok: false, refusal: { code: 'COVER_DISARMED' } })
  expect(await desk.bind(quoteId)).toMatchObject({
    kind: 'declined',
    quote: { declined: { code: 'COVER_DISARMED' } },
  })
  await turn(desk, true)
  expect(await desk.bind(await desk.quoteId())).toMatchObject({ kind: 'bound', isNew: true })
})

test('other products are sold on', async () => {
  await using desk = await quoteDesk()
  await turn(desk, false)
  expect(await desk.quote({ product: 'FD120' })).toMatchObject({ ok: true })
})

test('a policy that is bound stays bound', async () => {
  await using desk = await quoteDesk()
  const quoteId = await desk.quoteId()
  await desk.bind(quoteId)
  await turn(desk, false)
  expect(await desk.bind(quoteId)).toMatchObject({ kind: 'bound', isNew: false })
})

test('a switch that stands already is neither moved nor audited', async () => {
  await using desk = await quoteDesk()
  expect(await turn(desk, true)).toMatchObject({ outcome: 'unchanged' })
  expect(await turn(desk, false)).toMatchObject({ outcome: 'switched' })
  expect(await turn(desk, false)).toMatchObject({ outcome: 'unchanged' })
  expect(await turn(desk, true)).toMatchObject({ outcome: 'switched' })
  expect(await auditOf(desk)).toEqual(['cover.disarmed', 'cover.armed'])
})

test('a request that is carried out again does not undo a later one', async () => {
  await using desk = await quoteDesk()
  await turn(desk, false, { ref: 'run-1' })
  await turn(desk, true, { ref: 'run-2' })
  expect(await turn(desk, false, { ref: 'run-1' })).toMatchObject({ outcome: 'switched' })
  expect(await createCoverSwitches(desk.db).list()).toMatchObject([
    { product: 'FD45', isArmed: true },
  ])
})

test('a product that never existed is refused, and others are named', async () => {
  await using desk = await quoteDesk()
  const refused = turn(desk, false, { ref: 'run-1', product: 'FD54' })
  await expect(refused).rejects.toBeInstanceOf(UnknownProductError)
  await expect(refused).rejects.toThrow(/FD45/)
  expect(await createCoverSwitches(desk.db).list()).toEqual([])
})

test('a switch that is five minutes overdue is carried out', async () => {
  await using desk = await quoteDesk()
  const lateMs = 5 * MINUTE_MS
  expect(await turn(desk, false, { dueAt: DUE_AT, lateMs })).toMatchObject({ outcome: 'switched' })
})

test('a millisecond later it is missed: recorded once, told, and not carried out', async () => {
  await using desk = await quoteDesk()
  const told: unknown[] = []
  const late = { ref: 'run-1', dueAt: DUE_AT, lateMs: 5 * MINUTE_MS + 1, told }
  expect(await turn(desk, false, late)).toMatchObject({ outcome: 'missed' })
  expect(await turn(desk, false, late)).toMatchObject({ outcome: 'missed' })
  expect(await desk.quote()).toMatchObject({ ok: true })
  expect(await auditOf(desk)).toEqual(['cover.missed'])
  expect(told[0]).toMatchObject({ product: 'FD45', isArmed: false, dueAt: DUE_AT })
  const { rows } = await sql<{ key: string }>`select key from operator_notice`.execute(desk.db)
  expect(rows).toEqual([{ key: 'cover:missed:FD45' }])
})

test('what was carried out in time stays so when its answer was lost until it is late', async () => {
  await using desk = await quoteDesk()
  const asked = { ref: 'run-1', dueAt: DUE_AT }
  await turn(desk, false, asked)
  const again = await turn(desk, false, { ...asked, lateMs: 60 * MINUTE_MS })
  expect(again).toMatchObject({ outcome: 'switched' })
})
