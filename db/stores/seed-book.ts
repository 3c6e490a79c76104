/** What the seed of a demo reads of its own book, and how it tells holders what happened in it. */
import { sql } from 'kysely'

import {
  NOTIFICATION_REASONS,
  TEMPLATE_OF_FACT,
  TEMPLATE_VERSIONS,
} from '../../domain/notification.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** Reads of the seed. */
export function createSeedBookReads(db: Database): {
  /** Ids of stored legs by their keys. */
  readonly legIdsOf: (legKeys: readonly string[]) => Promise<string[]>
  /** Payouts that came back and that nobody has sent again, in the order of their policies. */
  readonly listReturned: (limit: number) => Promise<string[]>
} {
  return {
    async legIdsOf(legKeys) {
      const { rows } = await sql<{ id: string }>`
        select l.id from flight_leg l
        where l.leg_key = any(${legKeys}::text[]) and l.seq = 1
        order by l.leg_key limit ${legKeys.length}`.execute(db)
      return rows.map(({ id }) => id)
    },
    async listReturned(limit) {
      const { rows } = await sql<{ id: string }>`
        select o.id from review_case r
        join payout o on o.id = r.subject_id
        where r.subject_kind = 'payout' and r.reason_code = 'PAYOUT_RETURNED'
          and r.state <> 'RESOLVED' and o.state = 'RETURNED'
        order by o.policy_id, o.revision limit ${limit}`.execute(db)
      return rows.map(({ id }) => id)
    },
  }
}

/**
 * Takes all facts of the outbox as told by e-mail at `toldAt`, wall time: sent, or suppressed where the
 * holder left no address. The ids are those that the relay gives, so that nothing is told again.
 */
export async function tellFacts(db: Database, toldAt: Instant): Promise<void> {
  const told = Object.entries(TEMPLATE_OF_FACT)
  await sql`
    with taken as (
      delete from notification_fact returning kind, policy_id, payout_id, occasion
    ), named as (
      select t.policy_id, t.payout_id, t.occasion, k.template, k.version, p.payee_ref as holder_ref
      from taken t
      join unnest(
        ${told.map(([kind]) => kind)}::text[], ${told.map(([, template]) => template)}::text[],
        ${told.map(([, template]) => TEMPLATE_VERSIONS[template])}::int[]
      ) as k (kind, template, version) on k.kind = t.kind
      join policy p on p.id = t.policy_id
    )
    insert into notification (id, audience, template, template_version, locale, channel, to_ref,
      policy_id, payout_id, state, reason, attempts, sent_at, next_attempt_at, created_at, updated_at)
    select groundstop_id(concat_ws('|', 'notification', n.policy_id, n.template, n.occasion, 'email')),
      'holder', n.template, n.version, coalesce(c.locale, 'en'), 'email', n.holder_ref, n.policy_id,
      n.payout_id, case when c.has_email then 'SENT' else 'SUPPRESSED' end,
      case when c.has_email then null else ${NOTIFICATION_REASONS.noContact}::text end,
      case when c.has_email then 1 else 0 end,
      case when c.has_email then ${toldAt}::timestamptz end, ${toldAt}::timestamptz,
      ${toldAt}::timestamptz, ${toldAt}::timestamptz
    from named n
    left join contact c on c.holder_ref = n.holder_ref
    order by n.policy_id, n.template
    on conflict do nothing`.execute(db)
}
