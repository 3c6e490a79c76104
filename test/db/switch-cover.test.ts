import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createCoverSwitches } from '../../db/stores/cover-switch-store.ts'
import { UnknownProductError } from '../../operations/control-payouts.ts'
import { switchCover } from '../../operations/switch-cover.ts'
import { quoteDesk, type QuoteDesk } from '../support/quote-desk.ts'

let refs = 0

function turn(desk: QuoteDesk, isArmed: boolean, ref = `ref-${(refs += 1)}`, product = 'FD45') {
  const deps = { coverSwitches: createCoverSwitches(desk.db), clock: desk.clock }
  return switchCover(deps, { product, isArmed, by: 'user:ana', reason: 'storm', ref })
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
  expect(await turn(desk, true)).toMatchObject({ isChanged: false })
  expect(await turn(desk, false)).toMatchObject({ isChanged: true })
  expect(await turn(desk, false)).toMatchObject({ isChanged: false })
  expect(await turn(desk, true)).toMatchObject({ isChanged: true })
  expect(await auditOf(desk)).toEqual(['cover.disarmed', 'cover.armed'])
})

test('a request that is carried out again does not undo a later one', async () => {
  await using desk = await quoteDesk()
  await turn(desk, false, 'run-1')
  await turn(desk, true, 'run-2')
  expect(await turn(desk, false, 'run-1')).toMatchObject({ isChanged: true })
  expect(await createCoverSwitches(desk.db).list()).toMatchObject([
    { product: 'FD45', isArmed: true },
  ])
})

test('a product that never existed is refused, and others are named', async () => {
  await using desk = await quoteDesk()
  const refused = turn(desk, false, 'run-1', 'FD54')
  await expect(refused).rejects.toBeInstanceOf(UnknownProductError)
  await expect(refused).rejects.toThrow(/FD45/)
  expect(await createCoverSwitches(desk.db).list()).toEqual([])
})
