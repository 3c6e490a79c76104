/** Which open cases have lost their reason: what they asked people about has settled without them. */
import { sql } from 'kysely'
import type { RawBuilder } from 'kysely'

import type { Instant } from '../../domain/time.ts'
import { businessDay } from './payout-sql.ts'

/** Cases of payouts that asked how the payment ends; differences of amounts are people's to look at. */
const SETTLING_REASONS = ['PAYOUT_UNSETTLED', 'PAYOUT_REJECTED', 'NEW_ATTEMPT_ABOVE_LIMIT', 'STALE']

/**
 * (id, resolution) of open cases whose reason is gone. A case of a leg or policy counts only when the
 * rules opened it: then policies wait for it, and when none does it is over; a disputed tier is paid at
 * once, and its case is about the difference. Controls ask about their
 * day; on the same day they would not be opened again, so they stay until it is over.
 */
export function goneCases(now: Instant): RawBuilder<unknown> {
  return sql`
    select r.id, case o.state when 'PAID' then 'PAYOUT_SETTLED' else 'REASON_GONE' end as resolution
    from review_case r join payout o on o.id = r.subject_id
    where r.subject_kind = 'payout' and r.state <> 'RESOLVED'
      and r.reason_code = any(${SETTLING_REASONS}::text[]) and o.state in ('PAID', 'CANCELLED')
    union all
    -- The payout knows by now that its transfer came back; that is a case of its own.
    select r.id, 'REASON_GONE'
    from review_case r
    where r.subject_kind = 'payout' and r.state <> 'RESOLVED' and r.reason_code = 'RECON_RETURNED'
      and not exists (
        select from payout_attempt a where a.payout_id = r.subject_id
          and a.provider_ref = r.details ->> 'transferId' and a.outcome = 'ACCEPTED')
    union all
    select r.id, 'DECIDED_BY_DATA'
    from review_case r
    where r.subject_kind = 'leg' and r.state <> 'RESOLVED' and not r.details ? 'disputedBps'
      and (r.details ? 'evaluationId' or r.details ->> 'openedBy' = 'policy-expiration')
      and not exists (
        select from policy p
        where p.leg_id = r.subject_id and p.state = 'IN_REVIEW' and p.outcome is null)
    union all
    select r.id, 'DECIDED_BY_DATA'
    from review_case r join policy p on p.id = r.subject_id
    where r.subject_kind = 'policy' and r.state <> 'RESOLVED' and r.details ? 'evaluationId'
      and p.outcome is not null
    union all
    select r.id, 'REASON_GONE'
    from review_case r
    where r.subject_kind = 'control' and r.state <> 'RESOLVED'
      and (r.details ->> 'day')::date < ${businessDay(now)}
      and (r.reason_code = 'DAILY_CEILING' or (r.reason_code = 'RAIL_BALANCE_EXHAUSTED'
        and not exists (select from rail_hold h where h.provider = r.details ->> 'provider')))`
}
