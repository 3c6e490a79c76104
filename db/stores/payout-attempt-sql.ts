/** Fragments and rows that the statements about attempts share. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import { currency, minorUnits } from '../../domain/money.ts'
import type { Money } from '../../domain/money.ts'
import type { AttemptKey } from '../../domain/ports/payout-store.ts'
import { accountSql } from './payout-sql.ts'

type Fragment = RawBuilder<unknown>

/** An amount as columns. */
export type MoneyRow = { amount_minor: number; currency: string }

/** The amount of a row. */
export function moneyOf(row: MoneyRow): Money {
  return { minor: minorUnits(row.amount_minor), currency: currency(row.currency) }
}

/**
 * CTE `locked`: the answers (payout_id, n, then `columns` from the arrays `values`) whose payout is
 * still SUBMITTED. The payout's lock is the arbiter between senders, cancellers and resolvers.
 * `answers` are in the order of their payouts' ids, and so are the locks taken, one by one: a join
 * would let the planner read the whole table for "few" SUBMITTED payouts.
 */
export function answersWith(
  answers: readonly AttemptKey[],
  columns: Fragment,
  values: Fragment,
): Fragment {
  const payoutIds = answers.map((answer) => answer.payoutId)
  const numbers = answers.map((answer) => answer.n)
  return sql`locked as materialized (
      select x.*
      from unnest(${payoutIds}::uuid[], ${numbers}::integer[], ${values})
        as x (payout_id, n, ${columns})
      cross join lateral (
        select from payout p where p.id = x.payout_id and p.state = 'SUBMITTED' for update
      ) p
    )`
}

/** Locks are taken in this order everywhere; lower-case ids sort as text as they do as uuids. */
export function byPayout<Answer extends AttemptKey>(answers: readonly Answer[]): Answer[] {
  return answers.toSorted((a, b) => (a.payoutId < b.payoutId ? -1 : 1))
}

/** CTE `entry`: money of the payouts in `cte` back from the rail to what is owed. */
export function reversalOf(cte: Fragment): Fragment {
  return sql`entry as (
      select concat_ws(':', 'fail', r.id, r.n) as ref,
        ${accountSql.inFlight(sql`r.provider`)} as source,
        ${accountSql.payable(sql`r.policy_id`)} as destination,
        r.amount_minor, r.currency
      from ${cte} r
    )`
}
