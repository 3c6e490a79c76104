/** The comparisons of a reconciliation as SQL: (class, transfer_id, payout_id, n, listed). */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { ReconciliationWindow } from '../../domain/ports/reconciliation-store.ts'
import { LIST_LAG_MS, STALE_AFTER_MS } from '../../domain/reconciliation.ts'
import { addMs } from '../../domain/time.ts'

type Fragment = RawBuilder<unknown>

const UUID = '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'

/** Every listed transfer with its class, and the payout and attempt that it belongs to. */
export function judgedTransfers({ runId, provider }: ReconciliationWindow): Fragment {
  return sql`
    select t.transfer_id, coalesce(a.payout_id, p.id) as payout_id, coalesce(a.n, o.n) as n,
      t.amount_minor, t.currency,
      jsonb_build_object('amountMinor', t.amount_minor, 'currency', t.currency,
        'transferredAt', t.transferred_at) as listed,
      case
        when p.id is null then 'MISSING_IN_LEDGER'
        when a.payout_id is null and o.n is null and exists (
          select from payout_attempt x where x.payout_id = p.id and x.outcome = 'ACCEPTED')
          then 'DUPLICATE'
        when a.payout_id is null and o.n is null then 'MISSING_IN_LEDGER'
        when a.payout_id is null and 1 < row_number() over (
          partition by p.id, a.payout_id order by t.transferred_at, t.transfer_id) then 'DUPLICATE'
        when t.currency <> p.currency then 'CCY_DIFF'
        when t.amount_minor <> p.amount_minor then 'AMOUNT_DIFF'
        when t.is_returned and a.outcome = 'RETURNED' then 'RETURN_KNOWN'
        when t.is_returned and a.outcome = 'ACCEPTED' and p.state = 'PAID' then 'RETURNED'
        when a.outcome in ('ACCEPTED', 'RETURNED') then 'MATCHED'
        else 'IN_FLIGHT' end as class
    from listed_transfer t
    left join payout_attempt a on a.provider = ${provider} and a.provider_ref = t.transfer_id
    left join payout p on p.id = coalesce(a.payout_id,
      case when t.transfer_group ~ ${UUID} then t.transfer_group::uuid end)
    left join payout_attempt o on o.payout_id = p.id and o.outcome = 'OPEN'
      and o.provider = ${provider}
    where t.run_id = ${runId}::uuid`
}

/** Paid in the ledger, and not in the list though it must be. */
export function missingAtProvider({
  runId,
  provider,
  since,
  asOf,
}: ReconciliationWindow): Fragment {
  return sql`
    select 'MISSING_AT_PROVIDER', a.provider_ref, a.payout_id, a.n, null::jsonb
    from payout_attempt a
    where a.provider = ${provider} and a.outcome = 'ACCEPTED'
      and a.started_at >= ${since}::timestamptz
      and a.finished_at <= ${addMs(asOf, -LIST_LAG_MS)}::timestamptz
      and not exists (
        select from listed_transfer t
        where t.run_id = ${runId}::uuid and t.transfer_id = a.provider_ref)`
}

/** Sent too long ago to be still on its way. */
export function stale({ provider, asOf }: ReconciliationWindow): Fragment {
  return sql`
    select 'STALE', a.provider_ref, p.id, a.n, null::jsonb
    from payout p
    cross join lateral (
      select n, provider, provider_ref, started_at from payout_attempt
      where payout_id = p.id order by n desc limit 1
    ) as a
    where p.state in ('SUBMITTED', 'IN_TRANSIT') and a.provider = ${provider}
      and a.started_at <= ${addMs(asOf, -STALE_AFTER_MS)}::timestamptz`
}
