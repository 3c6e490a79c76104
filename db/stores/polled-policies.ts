/** What a poll or a look does to policies, within its transaction: their watch begins, their schedule is endorsed. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import { COVER_AFTER_ARRIVAL_MS, MONITORING_BEFORE_OUT_MS } from '../../domain/policy.ts'
import type { PolledLeg } from '../../domain/ports/leg-store.ts'
import { ENDORSE_BEFORE_OUT_MS, REFUND_ABOVE_MS, type Schedule } from '../../domain/retime.ts'
import { addMs, SECOND_MS, type Instant } from '../../domain/time.ts'
import type { DB } from '../types.generated.ts'

/**
 * Takes policies of answered legs from BOUND to MONITORING when their watch begins. One whose holder
 * was offered a refund stays BOUND until departure: so long may it be cancelled.
 */
export async function beginMonitoring(
  trx: Transaction<DB>,
  polls: readonly PolledLeg[],
): Promise<void> {
  const answered = polls.filter(({ answer, hasBound }) => answer !== null && hasBound)
  if (answered.length === 0) return
  const isCancelled = answered.map(({ answer }) => (answer?.facts.cancelled ?? null) !== null)
  // Looked up once a statement and not once a policy: nearly always there is none.
  await sql`
    with refund as materialized (
      select policy_id from endorsement
      where leg_id = any(${answered.map(({ legId }) => legId)}::uuid[]) and refund_offered
    )
    update policy p set state = 'MONITORING', state_version = p.state_version + 1, updated_at = now()
    from unnest(
      ${answered.map(({ legId }) => legId)}::uuid[],
      ${answered.map(({ polledAt }) => polledAt)}::timestamptz[],
      ${answered.map(({ polledAt }) => addMs(polledAt, MONITORING_BEFORE_OUT_MS))}::timestamptz[],
      ${isCancelled}::boolean[]
    ) as r (leg_id, polled_at, window_until, is_cancelled)
    where p.leg_id = r.leg_id and p.state = 'BOUND' and p.outcome is null
      and (r.is_cancelled or p.insured_scheduled_out <= r.window_until)
      and (p.insured_scheduled_out <= r.polled_at
        or p.id not in (select policy_id from refund))`.execute(trx)
}

/** A leg's new timetable, and when a provider was seen to show it. */
export type SeenRetime = Schedule & { readonly legId: string; readonly seenAt: Instant }

/** The timetables that polls saw change in time. */
export function retimesOf(polls: readonly PolledLeg[]): SeenRetime[] {
  return polls.flatMap(({ legId, polledAt, answer }) => {
    const schedule = answer?.retimed ?? null
    return schedule === null ? [] : [{ legId, seenAt: polledAt, ...schedule }]
  })
}

/**
 * Endorses the undecided policies of retimed legs whose insured departure is far enough ahead. Two
 * statements, because the schema lets the insured schedule move only as an endorsement says that is
 * there already. A policy that has the new schedule is left alone, so repeating changes nothing.
 */
export async function endorsePolicies(
  trx: Transaction<DB>,
  retimed: readonly SeenRetime[],
): Promise<void> {
  if (retimed.length === 0) return
  const legIds = retimed.map(({ legId }) => legId)
  await sql`
    with target as (
      select p.id, p.leg_id, p.insured_scheduled_out as old_out, p.insured_scheduled_in as old_in,
        r.scheduled_out as new_out, r.scheduled_in as new_in, r.seen_at
      from unnest(
        ${legIds}::uuid[],
        ${retimed.map(({ seenAt }) => seenAt)}::timestamptz[],
        ${retimed.map(({ seenAt }) => addMs(seenAt, ENDORSE_BEFORE_OUT_MS))}::timestamptz[],
        ${retimed.map(({ scheduledOut }) => scheduledOut)}::timestamptz[],
        ${retimed.map(({ scheduledIn }) => scheduledIn)}::timestamptz[]
      ) as r (leg_id, seen_at, earliest_out, scheduled_out, scheduled_in)
      join policy p on p.leg_id = r.leg_id
      where p.outcome is null and p.state in ('BOUND', 'MONITORING')
        and p.insured_scheduled_out >= r.earliest_out
        and (p.insured_scheduled_out, p.insured_scheduled_in) <> (r.scheduled_out, r.scheduled_in)
      order by p.id for update of p
    )
    insert into endorsement (policy_id, n, leg_id, old_scheduled_out, old_scheduled_in,
      new_scheduled_out, new_scheduled_in, announced_at, refund_offered)
    select t.id, coalesce(e.n, 0) + 1, t.leg_id, t.old_out, t.old_in, t.new_out, t.new_in,
      t.seen_at,
      -- From the schedule at bind: two small changes may add up to a large one.
      greatest(
        abs(extract(epoch from t.new_out - coalesce(f.old_scheduled_out, t.old_out))),
        abs(extract(epoch from t.new_in - coalesce(f.old_scheduled_in, t.old_in)))
      ) > ${REFUND_ABOVE_MS / SECOND_MS}
    from target t
    left join endorsement f on f.policy_id = t.id and f.n = 1
    left join lateral (
      select max(n) as n from endorsement where policy_id = t.id
    ) as e on true`.execute(trx)
  await sql`
    update policy p set insured_scheduled_out = e.new_scheduled_out,
      insured_scheduled_in = e.new_scheduled_in,
      cover_end = e.new_scheduled_in
        + make_interval(secs => ${COVER_AFTER_ARRIVAL_MS / SECOND_MS}::float8),
      updated_at = now()
    from endorsement e
    where p.leg_id = any(${legIds}::uuid[]) and e.policy_id = p.id
      and e.n = (select max(x.n) from endorsement x where x.policy_id = p.id)
      and (e.old_scheduled_out, e.old_scheduled_in)
        = (p.insured_scheduled_out, p.insured_scheduled_in)`.execute(trx)
}
