/** Control totals of a reconciliation: ledger accounts beside the rows they stand for, in one snapshot. */
import { sql } from 'kysely'

import { account } from '../../domain/ledger.ts'
import type { ReconciliationWindow } from '../../domain/ports/reconciliation-store.ts'
import type { ControlTotals } from '../../domain/reconciliation.ts'
import type { Database } from '../client.ts'
import { judgedTransfers } from './reconciliation-sql.ts'

/** A row per currency that occurs, sorted by it. */
export async function readControlTotals(
  db: Database,
  window: ReconciliationWindow,
): Promise<ControlTotals[]> {
  const inFlight = account.inFlight(window.provider)
  const { rows } = await sql<ControlTotals>`
    with figure (name, currency, amount) as (
      select 'listed', currency, amount_minor from listed_transfer
        where run_id = ${window.runId}::uuid
      union all select 'matched', currency, amount_minor from (${judgedTransfers(window)}) as t
        where class in ('MATCHED', 'RETURN_KNOWN')
      union all select case
          when state in ('SUBMITTED', 'IN_TRANSIT') then 'submitted' else 'unpaid' end,
          currency, amount_minor
        from payout where state not in ('PAID', 'CANCELLED')
      union all select 'exposure', currency, reserved_minor - fulfilled_minor - released_minor
        from escrow_reservation where state = 'RESERVED'
      union all select g.name, m.currency, m.amount
        from (
          select destination as account, currency, amount_minor as amount from ledger_posting
          union all select source, currency, -amount_minor from ledger_posting
        ) as m
        cross join lateral (select case
          when m.account = ${inFlight} then 'inFlight'
          when m.account like 'payable:%' then 'payable'
          when m.account like 'escrow:%' then 'escrow' end) as g (name)
        where g.name is not null
    )
    select currency,
      ${total('listed')} as "listedMinor", ${total('matched')} as "matchedMinor",
      ${total('inFlight')} as "inFlightMinor", ${total('submitted')} as "submittedMinor",
      ${total('payable')} as "payableMinor", ${total('unpaid')} as "unpaidMinor",
      ${total('escrow')} as "escrowMinor", ${total('exposure')} as "exposureMinor"
    from figure group by currency order by currency`.execute(db)
  return rows
}

function total(name: string) {
  return sql`coalesce(sum(amount) filter (where name = ${name}), 0)::text`
}
