/** What operators were told over a demo's half year, what persons asked for, and legs that were seen too late. */
import { sql } from 'kysely'

import type { Instant } from '../../domain/time.ts'
import type { Planter } from './seed-page.ts'
import { ageOf } from './seed-page.ts'

/** Notices that recovered; one in fifty is still open. */
export const plantNotices: Planter = async (db, page) => {
  await sql`
    insert into operator_notice (key, severity, episode, told, reported, opened_at, told_at,
      recovered_at, created_at, updated_at)
    select 'seed:' || n, case when n % 9 = 0 then 'critical' else 'warning' end, 1, 1 + n % 3, 1 + n % 9,
      at, at, case when n % 50 <> 0 then at + interval '2 hours' end, at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - interval '1 day' - ${ageOf(page, '180 days')} as at) a`.execute(
    db,
  )
}

/** Messages to operators, all sent. */
export const plantOperatorMessages: Planter = async (db, page) => {
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref, content,
      state, attempts, sent_at, next_attempt_at, created_at, updated_at)
    select groundstop_id('seed|operators|' || n), 'operator', 'operator-notice', 1, 'en', 'email',
      'operators', jsonb_build_object('severity', 'warning', 'subject', 'seed ' || n,
        'text', 'a notice of the demo''s year'), 'SENT', 1, at, at, at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - interval '1 hour' - ${ageOf(page, '180 days')} as at) a`.execute(
    db,
  )
}

/** Messages to holders from eight years ago, which are past the seven that they are kept. */
export const plantOldMessages: Planter = async (db, page) => {
  await sql`
    insert into notification (id, audience, template, template_version, locale, channel, to_ref,
      policy_id, state, attempts, sent_at, next_attempt_at, created_at, updated_at)
    select groundstop_id('seed|old|' || n), 'holder', 'policy-bound', 1, 'en', 'email', p.payee_ref, p.id,
      'SENT', 1, at, at, at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - interval '8 years' + n * interval '1 second' as at) a
    join lateral (
      select o.id, o.payee_ref from policy o where o.id >= groundstop_id('seed|holder|' || n)
      order by o.id limit 1) p on true`.execute(db)
}

/**
 * Requests of persons over half a year: nearly all answered, a few of the last days still open. A request
 * is received, worked on and answered, as the schema wants it.
 */
export const plantPrivacyRequests: Planter = async (db, page) => {
  const made = sql`
    select n, groundstop_id('seed|privacy|' || n) as id,
      ${page.wallUntil}::timestamptz - interval '2 days' - ${ageOf(page, '170 days')} as at,
      n % 4 = 0 as is_erasure, n > ${page.of}::int * 0.98 as is_open
    from generate_series(${page.first}::int, ${page.last}::int) n`
  await sql`
    insert into privacy_request (id, kind, holder_ref, received_at, due_at, received_by, created_at)
    select m.id, case when m.is_erasure and not m.is_open then 'erasure' else 'export' end,
      'acct_seed' || lpad((m.n % ${page.holders})::text, 7, '0'), m.at, m.at + interval '30 days',
      'user:seed-claims', m.at
    from (${made}) m
    on conflict do nothing`.execute(db)
  await sql`
    update privacy_request r set state = 'IN_PROGRESS'
    from (${made}) m where r.id = m.id and not m.is_open`.execute(db)
  await sql`
    update privacy_request r
    set state = case when r.kind = 'erasure' then 'REFUSED' else 'FULFILLED' end,
      closed_at = m.at + interval '1 day', updated_at = m.at + interval '1 day',
      refusal = case when r.kind = 'erasure' then 'cover is still in force or under review' end,
      file_bytes = case when r.kind = 'export' then 4096 end,
      file_sha256 = case when r.kind = 'export'
        then encode(sha256(convert_to(r.id::text, 'UTF8')), 'hex') end
    from (${made}) m where r.id = m.id and not m.is_open`.execute(db)
}

/** One leg in fifty was seen too late on its day, and seen again. */
export async function plantIncidents(db: Parameters<Planter>[0]): Promise<void> {
  await sql`
    insert into coverage_incident (leg_id, poll_phase, gap_s, max_gap_s, opened_at, closed_at)
    select l.id, 'ARRIVAL', 1500, 1200, l.scheduled_in, l.scheduled_in + interval '10 minutes'
    from flight_leg l
    where l.settled_at is not null and get_byte(uuid_send(l.id), 15) % 50 = 0
    order by l.leg_key`.execute(db)
}

/** Copies of persons' data that were made after a moment, the newest first. */
export async function listSeededCopies(
  db: Parameters<Planter>[0],
  after: Instant,
  limit: number,
): Promise<{ requestId: string; closedAt: Instant }[]> {
  const { rows } = await sql<{ requestId: string; closedAt: Instant }>`
    select r.id as "requestId", r.closed_at as "closedAt" from privacy_request r
    where r.state = 'FULFILLED' and r.closed_at > ${after}::timestamptz
    order by r.closed_at desc limit ${limit}`.execute(db)
  return rows
}
