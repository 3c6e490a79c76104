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

test('a policy with further payouts is told with all of them, but for cancelled ones', async () => {
  await using it = await book([rowOf(B6_35, 'P1')])
  await it.settle(arrived(90), after(90))
  await it.decide()
  await unguarded(it.db, async (trx) => {
    const further = (revision: number, state: string) =>
      sql`
      with of_policy as (select * from payout where revision = 0), higher as (
        insert into evaluation (id, leg_id, product_version_id, insured_scheduled_in, tzdata_version,
          facts, observation_ids, outcome, delay_min, bps, reasons, evaluated_at)
        select gen_random_uuid(), leg_id, product_version_id, insured_scheduled_in, tzdata_version,
          facts, observation_ids, outcome, delay_min, ${6_000 + revision}::int, reasons, evaluated_at
        from evaluation limit 1 returning id
      )
      insert into payout (id, policy_id, revision, evaluation_id, amount_minor, currency, payee_ref,
        decision_ref, state)
      select groundstop_id(${`payout-${revision}`}), p.policy_id, ${revision}, h.id, 7500, p.currency,
        p.payee_ref, ${`case-${revision}`}, ${state}
      from of_policy p, higher h`.execute(trx)
    await further(1, 'CREATED')
    await further(2, 'CANCELLED')
    await sql`update payout set state = 'PAID', approved_by = 'rule', paid_at = now(),
      transfer_id = 'tr_' || revision where revision < 2`.execute(trx)
  })
  const { rows } = await sql<{ id: string }>`select id from payout order by revision`.execute(it.db)
  const lines = await collect(exportDecisions({ policyStore: createPolicyStore(it.db) }))
  expect(lines).toEqual([
    `P1,B6|35|JFK|PBI|2013-03-09,PAY,6001,15000,${rows[0]?.id};${rows[1]?.id},tr_0;tr_1`,
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
