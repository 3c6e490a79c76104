/** Where payouts stand, in Postgres. */
import { sql } from 'kysely'

import type { PayoutSelection, PayoutStanding } from '../../domain/ports/payout-store.ts'
import type { Database } from '../client.ts'
import { isPaused, isRailDry, isSelected } from './payout-sql.ts'

type StandingRow = {
  in_transit: number
  settled: number
  rejected: string[]
  unknown: string[]
  held: string[]
}

/** The `readStanding` of the payout store. */
export async function readStanding(
  db: Database,
  selection: PayoutSelection,
  provider: string,
): Promise<PayoutStanding> {
  const { rows } = await sql<StandingRow>`
    select
      count(*) filter (where s.standing = 'settled') as settled,
      count(*) filter (where s.standing = 'in transit') as in_transit,
      coalesce(array_agg(s.id order by s.id) filter (where s.standing = 'rejected'), '{}')::text[]
        as rejected,
      coalesce(array_agg(s.id order by s.id)
        filter (where s.standing in ('unknown', 'kept')), '{}')::text[] as unknown,
      coalesce(array_agg(s.id order by s.id)
        filter (where s.standing in ('kept', 'not approved')), '{}')::text[] as held
    from (
      select p.id, case
        when p.state = 'PAID' then 'settled'
        when p.state = 'IN_TRANSIT' then 'in transit'
        when p.state in ('FAILED', 'RETURNED') then 'rejected'
        when p.state = 'CREATED' then 'not approved'
        when p.state = 'APPROVED' and (
          ${isPaused(sql`p.policy_id`)} or ${isRailDry(provider)}) then 'kept'
        when p.state = 'APPROVED' then 'unknown'
        when p.state <> 'SUBMITTED' then 'elsewhere'
        when exists (
          select from payout_attempt a where a.payout_id = p.id and a.outcome = 'OPEN'
        ) then 'unknown'
        else 'rejected' end as standing
      from payout p
      where ${isSelected(selection)}
    ) s`.execute(db)
  const standing = rows[0]
  const heldPayoutIds = standing?.held ?? []
  return {
    settled: standing?.settled ?? 0,
    rejectedPayoutIds: standing?.rejected ?? [],
    unknownPayoutIds: standing?.unknown ?? [],
    ...(heldPayoutIds.length === 0 ? {} : { heldPayoutIds }),
    ...(standing === undefined || standing.in_transit === 0
      ? {}
      : { inTransit: standing.in_transit }),
  }
}
