/** Reads accounts and statements; balances are added up from the postings every time. */
import { sql } from 'kysely'

import type { LedgerAccount, LedgerReads, StatementLine } from '../../domain/ports/ledger-reads.ts'
import type { Page, PageRequest } from '../../domain/ports/page.ts'
import type { Database } from '../client.ts'
import { keyPart, pageOf, readKey } from '../keyset.ts'

/** The reader over this database. */
export function createLedgerReads(db: Database): LedgerReads {
  return {
    accounts: (filter, page) => readAccounts(db, filter.kind, page),
    statement: (account, page) => readStatement(db, account, page),
  }
}

/**
 * Names are found by jumping from one to the next in the two indexes, so that a page costs the same
 * among a million accounts. Names of a kind stand together, as all begin alike in lower case.
 */
async function readAccounts(
  db: Database,
  kind: string | undefined,
  page: PageRequest,
): Promise<Page<LedgerAccount>> {
  const scope = ['accounts', kind ?? null]
  const [after] = readKey(page, scope, [keyPart.text]) ?? []
  const from = after ?? (kind === undefined ? '' : `${kind}:`)
  const next = (name: ReturnType<typeof sql>) => sql`(
    select min(a.name) from (
      (select source as name from ledger_posting where source > ${name} order by source limit 1)
      union all
      (select destination from ledger_posting where destination > ${name}
        order by destination limit 1)) as a)`
  const isOfKind = kind === undefined ? sql`true` : sql`split_part(n.name, ':', 1) = ${kind}`
  const { rows } = await sql<LedgerAccount>`
    with recursive n (name, position) as (
      select ${next(sql`${from}::text`)}, 1
      union all
      select ${next(sql`n.name`)}, n.position + 1 from n
      where n.name is not null and ${isOfKind} and n.position <= ${page.limit}
    )
    select n.name as account, coalesce((
      select jsonb_agg(jsonb_build_object('currency', b.currency, 'balanceMinor', b.balance::text)
        order by b.currency)
      from (
        select m.currency, sum(m.amount) as balance from (
          select currency, amount_minor::numeric as amount from ledger_posting
          where destination = n.name
          union all
          select currency, -amount_minor::numeric from ledger_posting where source = n.name) as m
        group by m.currency) as b), '[]') as balances
    from n
    where n.name is not null and ${isOfKind}
    order by n.position
    limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, { item: (row) => row, key: ({ account }) => [account] })
}

type LineRow = Omit<StatementLine, 'balanceMinor'>

async function readStatement(
  db: Database,
  account: string,
  page: PageRequest,
): Promise<Page<StatementLine>> {
  const scope = ['statement', account]
  const [before] = readKey(page, scope, [keyPart.integer]) ?? []
  // Postings are never changed and ids only grow, so what is below a page stays what it is.
  const isBefore = before === undefined ? sql`true` : sql`g.id < ${before}::bigint`
  const { rows } = await sql<LineRow>`
    select g.id as "postingId", t.ref, t.kind, t.effective_at as "effectiveAt",
      case when g.source = ${account} then g.destination else g.source end as counterparty,
      case when g.source = ${account} then -g.amount_minor else g.amount_minor end as "amountMinor",
      g.currency
    from ledger_posting g join ledger_transaction t on t.id = g.transaction_id
    where (g.source = ${account} or g.destination = ${account}) and ${isBefore}
    order by g.id desc
    limit ${page.limit + 1}`.execute(db)
  const newest = rows[0]?.postingId
  const held = newest === undefined ? new Map<string, bigint>() : await heldAt(db, account, newest)
  const lines = rows.map((row) => {
    const balance = held.get(row.currency) ?? 0n
    held.set(row.currency, balance - BigInt(row.amountMinor))
    return { ...row, balanceMinor: String(balance) }
  })
  return pageOf(lines, page, scope, {
    item: (line) => line,
    key: ({ postingId }) => [String(postingId)],
  })
}

/** What the account held just after a posting, by currency. */
async function heldAt(
  db: Database,
  account: string,
  postingId: number,
): Promise<Map<string, bigint>> {
  const { rows } = await sql<{ currency: string; balance: string }>`
    select m.currency, sum(m.amount)::text as balance from (
      select currency, amount_minor::numeric as amount from ledger_posting
      where destination = ${account} and id <= ${postingId}
      union all
      select currency, -amount_minor::numeric from ledger_posting
      where source = ${account} and id <= ${postingId}) as m
    group by m.currency`.execute(db)
  return new Map(rows.map(({ currency, balance }) => [currency, BigInt(balance)]))
}
