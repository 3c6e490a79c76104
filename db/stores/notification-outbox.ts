/** From facts of the outbox to notifications: whom they reach, over which channels, once each. */
import { sql } from 'kysely'

import {
  NOTIFICATION_REASONS,
  TEMPLATE_OF_FACT,
  TEMPLATE_VERSIONS,
} from '../../domain/notification.ts'
import type { QueuedFacts } from '../../domain/ports/notification-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/**
 * Takes facts and queues their notifications in one statement: both happen, or neither. Sweeps at once
 * take different facts. The ids say what is told, so a fact that was told before is not told again.
 */
export async function queueFacts(db: Database, limit: number): Promise<QueuedFacts> {
  const told = Object.entries(TEMPLATE_OF_FACT)
  const { noContact, noAddress, optedOut } = NOTIFICATION_REASONS
  const { rows } = await sql<QueuedFacts>`
    with taken as (
      delete from notification_fact
      where id in (
        select f.id from notification_fact f order by f.id limit ${limit} for update skip locked
      )
      returning kind, policy_id, payout_id, occasion
    ), named as (
      select t.policy_id, t.payout_id, t.occasion, k.template, k.version, p.payee_ref as holder_ref
      from taken t
      join unnest(
        ${told.map(([kind]) => kind)}::text[], ${told.map(([, template]) => template)}::text[],
        ${told.map(([, template]) => TEMPLATE_VERSIONS[template])}::int[]
      ) as k (kind, template, version) on k.kind = t.kind
      join policy p on p.id = t.policy_id
    ), addressed as (
      select n.*, coalesce(c.locale, 'en') as locale, x.channel, x.push_id, x.reason
      from named n
      left join contact c on c.holder_ref = n.holder_ref
      cross join lateral (
        select 'email' as channel, null::uuid as push_id, ${noContact}::text as reason
        where c.holder_ref is null
        union all
        select 'email', null, ${optedOut} where c.channels = '{}'
        union all
        select 'email', null, case when not c.has_email and c.email is null then ${noAddress} end
        where 'email' = any(c.channels)
        union all
        select 'sms', null, case when not c.has_phone and c.phone is null then ${noAddress} end
        where 'sms' = any(c.channels)
        union all
        select 'push', s.id, case when s.id is null then ${noAddress} end
        from (values (1)) as one (row)
        left join push_subscription s on s.holder_ref = c.holder_ref
        where 'push' = any(c.channels)
      ) as x
    ), queued as (
      insert into notification (id, audience, template, template_version, locale, channel, to_ref,
        push_subscription_id, policy_id, payout_id, state, reason)
      select groundstop_id(concat_ws('|', 'notification', a.policy_id, a.template, a.occasion,
          a.channel, a.push_id)),
        'holder', a.template, a.version, a.locale, a.channel, a.holder_ref, a.push_id, a.policy_id,
        a.payout_id, case when a.reason is null then 'QUEUED' else 'SUPPRESSED' end, a.reason
      from addressed a
      on conflict do nothing
      returning state
    )
    select (select count(*) from taken) as facts, count(*) as queued,
      count(*) filter (where state = 'SUPPRESSED') as suppressed
    from queued`.execute(db)
  return rows[0] ?? { facts: 0, queued: 0, suppressed: 0 }
}

/**
 * Notes cases that have been open for long, for each policy that waits for them. A case that is not
 * about a holder's policy, or whose policies wait no more, is noted as told without a fact.
 */
export async function noteLongReviews(
  db: Database,
  openedBefore: Instant,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ noted: number }>`
    with due as (
      insert into told_case (case_id)
      select r.id from review_case r
      where (r.state = 'RESOLVED') = false and r.opened_at <= ${openedBefore}::timestamptz
        and not exists (select from told_case t where t.case_id = r.id)
      order by r.opened_at, r.id
      limit ${limit}
      on conflict do nothing
      returning case_id
    ), waiting as (
      select r.id as case_id, p.id as policy_id
      from due d
      join review_case r on r.id = d.case_id
      join policy p on p.state = 'IN_REVIEW' and (
        (r.subject_kind = 'policy' and p.id = r.subject_id)
        or (r.subject_kind = 'leg' and p.leg_id = r.subject_id)
        or (r.subject_kind = 'payout'
          and p.id = (select o.policy_id from payout o where o.id = r.subject_id)))
      -- Who appealed was told so, and is told the end.
      where not exists (select from appeal a where a.policy_id = p.id and a.result is null)
    ), noted as (
      insert into notification_fact (kind, policy_id, occasion)
      select 'IN_REVIEW', w.policy_id, w.case_id::text from waiting w
      returning id
    )
    select count(*) as noted from noted`.execute(db)
  return rows[0]?.noted ?? 0
}
