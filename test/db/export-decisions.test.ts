import { sql } from 'kysely'
import { expect, test } from 'vitest'

import { createPolicyStore } from '../../db/stores/policy-store.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { exportDecisions } from '../../operations/export-decisions.ts'
import { B6_35, collect, rowOf } from '../support/builders.ts'
import { unguarded } from '../support/unguarded.ts'
import { after, arrived, book } from '../support/watched-book.ts'

test('the export has a line per decided policy in byte order of their numbers', async () => {
  const onTime = { ...B6_35, flightNumber: '36', providerIdent: 'JBU36' }
  await using it = await book(
    [
      rowOf(B6_35, 'b1'),
      rowOf(B6_35, 'A2', { product: 'FD180' }),
      rowOf(B6_35, 'A10', { sum_insured: '100' }),
      rowOf(onTime, 'a0'),
    ],
    [B6_35, onTime],
  )
  await it.settle(arrived(90), after(90))
  const deps = { decisionStore: it.decisionStore, clock: it.clock }
  await decideLegs(deps, { legIds: it.legIds.slice(0, 1) })
  const payment = sql`
    update payout set state = 'PAID', approved_by = 'rule', paid_at = now(), transfer_id = 'tr_1'
    where amount_minor = 3000`
  await unguarded(it.db, (trx) => payment.execute(trx))
  const ids = await sql<{ number: string; id: string }>`
    select p.policy_number as number, o.id from payout o
    join policy p on p.id = o.policy_id`.execute(it.db)
  const idOf = (number: string) => ids.rows.find((row) => row.number === number)?.id
  const lines = await collect(exportDecisions({ policyStore: createPolicyStore(it.db) }))
  expect(lines).toEqual([
    `A10,B6|35|JFK|PBI|2013-03-09,PAY,3000,3000,${idOf('A10')},tr_1`,
    'A2,B6|35|JFK|PBI|2013-03-09,NO_PAY,0,0,,',
    `b1,B6|35|JFK|PBI|2013-03-09,PAY,3000,7500,${idOf('b1')},`,
  ])
})

test('the export goes over pages without gap or repeat', async () => {
  const rows = Array.from({ length: 5_003 }, (_, n) => rowOf(B6_35, `P${n}`, { sum_insured: '1' }))
  await using it = await book(rows)
  await it.settle(arrived(10), after(10))
  await it.decide()
  const lines = await collect(exportDecisions({ policyStore: createPolicyStore(it.db) }))
  const numbers = lines.map((line) => line.split(',')[0])
  expect(numbers).toEqual(rows.map((row) => row.policy_number).toSorted())
})
