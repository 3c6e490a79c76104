/** What requests, quotes, rails and tasks leave behind over a demo's year, older and newer than it is kept. */
import { sql } from 'kysely'

import type { Planter } from './seed-page.ts'
import { ageOf, shareOf } from './seed-page.ts'

/** Kept answers of two months. */
export const plantRequests: Planter = async (db, page) => {
  await sql`
    insert into idempotent_request (scope, key, request_sha256, response_status, response_body,
      locked_until, created_at)
    select 'POST /api/quotes', 'seed-' || n, encode(sha256(convert_to(n::text, 'UTF8')), 'hex'), 201,
      jsonb_build_object('quoteId', groundstop_id('seed|quote|' || n), 'text', repeat('x', 200)), at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - ${ageOf(page, '60 days')} as at) a`.execute(db)
}

/** Quotes of the year that nobody bound; each is one of a real leg of the book. */
export const plantQuotes: Planter = async (db, page) => {
  await sql`
    insert into quote (id, product_version_id, leg_key, sold, leg, sum_insured_minor, currency,
      premium_minor, rate, terms, amounts, quoted_at, expires_at, state, closed_at)
    select groundstop_id('seed|quote|' || n), v.id, l.leg_key,
      jsonb_build_object('carrier', l.carrier, 'flightNumber', l.flight_number, 'origin', l.origin,
        'destination', l.destination, 'originLocalDate', l.origin_local_date),
      jsonb_build_object('carrier', l.carrier, 'flightNumber', l.flight_number, 'origin', l.origin,
        'destination', l.destination, 'scheduledOut', to_char(l.scheduled_out, ${ISO}),
        'scheduledIn', to_char(l.scheduled_in, ${ISO}), 'originZone', l.origin_zone,
        'destinationZone', l.destination_zone, 'providerIdent', l.provider_ident,
        'marketingIdent', null),
      s.sum, 'USD', s.sum / 12,
      '{"basis": "ROUTE", "observations": 120, "paidBps": 90000, "loadingBps": 3000, "leastBps": 200}',
      '{"minLeadS": 86400, "maxLeadS": 28512000, "minObservations": 10, "siMaxMinor": 100000,
        "clusterLimitMinor": 50000000, "cancelUntilBeforeS": 86400, "quoteTtlS": 900,
        "loadingBps": 3000, "leastRateBps": 200}',
      jsonb_build_object('tiers', '[]'::jsonb, 'cancelledMinor', s.sum, 'notReachedMinor', s.sum),
      at, at + interval '15 minutes', 'LAPSED', at + interval '15 minutes'
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.until}::timestamptz - ${ageOf(page, '365 days')} as at,
        10000 + 100 * ${shareOf(page)} as sum) s
    join lateral (select * from product_version p where p.code = 'FD120' limit 1) v on true
    join lateral (
      select * from flight_leg f where f.id >= groundstop_id('seed|pick|' || n)
      order by f.id limit 1) l on true`.execute(db)
}

const ISO = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'

/** What reconciliations of two weeks listed and did not remove. */
export const plantListedTransfers: Planter = async (db, page) => {
  await sql`
    insert into listed_transfer (run_id, transfer_id, amount_minor, currency, transferred_at, created_at)
    select groundstop_id('seed|run|' || n / 100), 'tr_left_' || n, 10000, 'USD', at, at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - ${ageOf(page, '14 days')} as at) a`.execute(db)
}

/** Rails that ran dry, in currencies that nobody insures in; one for each two letters. */
export const plantRailHolds: Planter = async (db, page) => {
  await sql`
    insert into rail_hold (provider, currency, held_since, next_probe_at)
    select 'stripe', 'X' || chr(65 + n / 26 % 26) || chr(65 + n % 26), at - interval '1 hour', at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.until}::timestamptz - ${ageOf(page, '14 days')} as at) a
    on conflict do nothing`.execute(db)
}

/** Events of the rail over five hundred days that were about nobody's payout. */
export const plantRailEvents: Planter = async (db, page) => {
  await sql`
    insert into payment_event (source, event_id, type, object_id, occurred_at, payload, channel,
      outcome, closed_at, created_at)
    select 'stripe', 'evt_seed' || n, 'transfer.reversed', 'tr_other_' || n, at,
      '{"id":"evt_seed' || n || '","object":"event","type":"transfer.reversed"}', 'list', 'unrelated',
      at + interval '1 minute', ${page.wallUntil}::timestamptz - (${page.until}::timestamptz - at)
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.until}::timestamptz - ${ageOf(page, '500 days')} as at) a`.execute(db)
}

/** Tasks of half a year that ended; their schedules are gone from the server. */
export const plantTasks: Planter = async (db, page) => {
  await sql`
    insert into task (id, owner, job, input, priority, timing, tolerance_min, due_at, timed_at, reason,
      look_at, revision, applied_revision, applied_at, created_at, updated_at)
    select groundstop_id('seed|task|' || n), 'user:seed-user-' || (1 + n % ${page.users}), 'report',
      '{}', 'LOW', jsonb_build_object('kind', 'once', 'at', to_char(at, ${ISO})), 5, at,
      at - interval '1 hour', 'a report for the board', at, 2, 2, at, at - interval '1 hour', at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - ${ageOf(page, '180 days')} as at) a`.execute(db)
  // A task begins scheduled, as every other one did.
  await sql`
    update task t set state = (array['DONE', 'DONE', 'DONE', 'FAILED', 'MISSED', 'CANCELLED'])[1 + n % 6]
    from generate_series(${page.first}::int, ${page.last}::int) n
    where t.id = groundstop_id('seed|task|' || n)`.execute(db)
}

/** Calls of two days by the minute, and states of outside services over half a year. */
export const plantProviderMinutes: Planter = async (db, page) => {
  await sql`
    with calls as (
      insert into provider_calls (provider, minute, calls, failures)
      select 'aeroapi', date_trunc('minute', ${page.wallUntil}::timestamptz) - n * interval '1 minute',
        20 + ${shareOf(page)} % 40, case when n % 50 = 0 then 3 else 0 end
      from generate_series(${page.first}::int, ${page.last}::int) n
      where n <= ${MINUTES_KEPT}
      on conflict do nothing
    )
    insert into provider_state_change (provider, from_state, to_state, reason, created_at)
    select 'aeroapi', case when n % 2 = 0 then 'UP' else 'DEGRADED' end,
      case when n % 2 = 0 then 'DEGRADED' else 'UP' end, 'one call in ten failed',
      ${page.wallUntil}::timestamptz - ${ageOf(page, '180 days')}
    from generate_series(${page.first}::int, ${page.last}::int) n where n % 20 < 2`.execute(db)
}

/** Two days: a service has one row a minute, whatever the scale. */
const MINUTES_KEPT = 2_880

/** Processes of a crash loop of an hour, all of which have ended: the last one minutes ago. */
export const plantProviderProcesses: Planter = async (db, page) => {
  await sql`
    insert into provider_process (provider, reporter, breaker, created_at, updated_at)
    select 'aeroapi', 'worker:seed-' || n, 'closed', at - interval '20 seconds', at
    from generate_series(${page.first}::int, ${page.last}::int) n
    cross join lateral (
      select ${page.wallUntil}::timestamptz - interval '5 minutes' - ${ageOf(page, '1 hour')} as at
    ) a`.execute(db)
}
