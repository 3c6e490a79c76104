/** The ledger in Postgres: read and checked here, written by the stores whose events it records. */
import { sql } from 'kysely'

import type { AccountBalance, BookBreak, LedgerStore } from '../../domain/ports/ledger-store.ts'
import type { CoverageRequest } from '../../domain/ports/leg-store.ts'
import type { Database } from '../client.ts'
import { inSnapshot } from '../snapshot.ts'
import { verifyAuditChain } from './audit-chain.ts'
import { BOOK_CHECKS, coverageCheck } from './book-checks.ts'

/** The ledger store over `db`. */
export function createLedgerStore(db: Database): LedgerStore {
  return {
    findBreaks: (limit, coverage) => findBreaks(db, limit, coverage),
    readTotals: () => readTotals(db),
  }
}

// Both sides of every posting, as what they add to their account.
const MOVEMENTS = sql`
  select l.destination as account, l.currency, l.amount_minor::numeric as amount from ledger_posting l
  union all
  select l.source, l.currency, -l.amount_minor::numeric from ledger_posting l`

/** Ticks check coverage every two minutes; between two of them a leg may be late without an incident. */
const COVERAGE_SLACK_S = 1_800

async function findBreaks(
  db: Database,
  limit: number,
  coverage: CoverageRequest | undefined,
): Promise<BookBreak[]> {
  const checks =
    coverage === undefined
      ? BOOK_CHECKS
      : [...BOOK_CHECKS, coverageCheck(coverage, COVERAGE_SLACK_S)]
  return inSnapshot(db, async (trx) => {
    const breaks: BookBreak[] = []
    for (const check of checks) {
      const { rows } = await sql<BookBreak>`
          with balance as (
            select m.account, m.currency, sum(m.amount) as balance
            from (${MOVEMENTS}) m
            group by m.account, m.currency
          )
          select c.invariant, c.subject, c.detail
          from (${check}) as c (invariant, subject, detail)
          order by c.subject
          limit ${limit}`.execute(trx)
      breaks.push(...rows)
    }
    const { firstBreak } = await verifyAuditChain(trx)
    if (firstBreak !== null) {
      const subject = `audit:${firstBreak.seq ?? 'head'}`
      breaks.push({ invariant: 'AUDIT', subject, detail: firstBreak.detail })
    }
    return breaks
  })
}

async function readTotals(db: Database): Promise<AccountBalance[]> {
  const { rows } = await sql<{ account: string; currency: string; balance: string }>`
    select g.account, m.currency, sum(m.amount)::text as balance
    from (${MOVEMENTS}) m
    cross join lateral (
      select case when m.account like 'payout:%' then m.account else split_part(m.account, ':', 1) end
    ) as g (account)
    group by g.account, m.currency
    order by g.account, m.currency`.execute(db)
  return rows.map(({ account, currency, balance }) => ({
    account,
    currency,
    balanceMinor: balance,
  }))
}
