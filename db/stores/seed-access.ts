/** What people and programs that sign in leave behind, for a demo's year: by page, in the order of their age. */
import { sql } from 'kysely'

import type { Planter } from './seed-page.ts'
import { ageOf, shareOf } from './seed-page.ts'

/** Users: four of five confirmed within the year, the others made in the last two months and never confirmed. */
export const plantUsers: Planter = async (db, page) => {
  await sql`
    with made as (
      select n, groundstop_id('seed|user|' || n)::text as id,
        ${page.wallUntil}::timestamptz - case when n % 5 = 0 then ${ageOf(page, '60 days')}
          else ${ageOf(page, '365 days')} end as at
      from generate_series(${page.first}::int, ${page.last}::int) n
    ), users as (
      insert into auth_user (id, name, email, email_verified, role, created_at, updated_at)
      select m.id, 'seed-user-' || m.n, 'seed.user.' || m.n || '@example.com', m.n % 5 <> 0,
        case when m.n % 10 = 0 then 'claims' when m.n % 3 = 0 then 'operator' else 'viewer' end, m.at, m.at
      from made m
    )
    -- A hash that no password is known for: nobody signs in as one of them.
    insert into auth_account (id, user_id, provider_id, account_id, password, created_at, updated_at)
    select groundstop_id('seed|account|' || m.n)::text, m.id, 'credential', m.id,
      md5('salt' || m.id) || ':' || encode(sha512(convert_to(m.id, 'UTF8')), 'hex'), m.at, m.at
    from made m`.execute(db)
}

/** Sessions of the users, renewed within three weeks. */
export const plantSessions: Planter = async (db, page) => {
  await sql`
    insert into auth_session (id, user_id, token, ip_address, user_agent, expires_at, created_at, updated_at)
    select groundstop_id('seed|session|' || n)::text,
      groundstop_id('seed|user|' || (1 + (n::bigint * 7919 + ${page.seed}) % ${page.users}))::text,
      encode(sha256(convert_to('seed|session|' || n, 'UTF8')), 'hex'), '203.0.113.' || n % 250,
      'Mozilla/5.0 (demo)', at + interval '7 days', at - interval '2 days', at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - ${ageOf(page, '21 days')} as at) a`.execute(db)
}

/** Codes of invitations and resets of the last three days; each holds for a day. */
export const plantMailCodes: Planter = async (db, page) => {
  await sql`
    insert into auth_verification (id, identifier, value, expires_at, created_at, updated_at)
    select groundstop_id('seed|code|' || n)::text,
      encode(sha256(convert_to('seed|code|' || n, 'UTF8')), 'hex'),
      groundstop_id('seed|user|' || (1 + n % ${page.users}))::text, at + interval '1 day', at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - ${ageOf(page, '3 days')} as at) a`.execute(db)
}

/** API keys of the year, a third revoked; the keys themselves never were. */
export const plantApiKeys: Planter = async (db, page) => {
  await sql`
    insert into api_key (id, tenant, name, role, sha256, hint, revoked_at, last_used_at, created_by,
      created_at, updated_at)
    select groundstop_id('seed|key|' || n), 'default', 'seed-key-' || n,
      case when n % 4 = 0 then 'operator' else 'viewer' end,
      encode(sha256(convert_to('seed|key|' || n, 'UTF8')), 'hex'), 'gs_' || left(md5(n::text), 6),
      case when n % 3 = 0 then least(at + interval '60 days', ${page.wallUntil}::timestamptz) end,
      case when n % 7 <> 0 then least(at + interval '50 days', ${page.wallUntil}::timestamptz) end,
      'user:seed-user-1', at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - ${ageOf(page, '365 days')} as at) a`.execute(db)
}

/** Proofs seen in the last hours, most of which have expired. */
export const plantProofs: Planter = async (db, page) => {
  await sql`
    insert into dpop_proof (id, expires_at)
    select encode(sha256(convert_to('seed|proof|' || ${page.seed}::int || '|' || n, 'UTF8')), 'hex'),
      ${page.wallUntil}::timestamptz + interval '30 minutes' - ${ageOf(page, '4 hours')}
    from generate_series(${page.first}::int, ${page.last}::int) n`.execute(db)
}

/** Events of the audit trail over sixteen months, a few by each kind of actor; the chain follows them. */
export const plantAuditEvents: Planter = async (db, page) => {
  await sql`
    insert into audit_event (at, actor, action, subject, details, correlation_id)
    select ${page.until}::timestamptz - ${ageOf(page, '480 days')},
      case n % 4 when 0 then 'system' else 'user:seed-user-' || (1 + n % ${page.users}) end,
      (array['job.start', 'user.sign-in', 'setting.change', 'review.claim', 'schedule.pause'])[1 + n % 5],
      (array['job:report', 'user:seed', 'setting:jobs.limits', 'review:seed', 'schedule:report'])[1 + n % 5],
      jsonb_build_object('reason', 'a year of the demo', 'n', n, 'draw', ${shareOf(page)}),
      'seed-' || n
    from generate_series(${page.first}::int, ${page.last}::int) n order by n`.execute(db)
}
