/** Sections of the book over a period, one statement each. Reads only. */
import { sql } from 'kysely'

import type { FigureRow, SectionName } from '../../domain/analytics/sections.ts'
import { ledgerRef } from '../../domain/ledger.ts'
import type { ExpectedRate } from '../../domain/ports/analytics-store.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** What a section is measured over. */
export type BookSpan = {
  readonly from: Instant
  readonly until: Instant
  readonly rates: readonly ExpectedRate[]
}

/** Groups of one kind that a section names, the largest first. */
const GROUPS_AT_MOST = 50
/** Products, currencies, reasons and phases are few; more is not for people. */
const ROWS_AT_MOST = 1_000

/** Events that a report lists: some years of people's changes. */
const EVENTS_AT_MOST = 50_000

/** Lower ends of the classes of payouts, minor units: the standard deductibles of such covers. */
const PAYOUTS_FROM_MINOR = [0, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000]

type Measure = (db: Database, span: BookSpan) => Promise<readonly FigureRow[]>

const within = (column: string, { from, until }: BookSpan) =>
  sql`${sql.ref(column)} >= ${from}::timestamptz and ${sql.ref(column)} < ${until}::timestamptz`

/** What each section is measured by. */
export const BOOK_SECTIONS: Readonly<Partial<Record<SectionName, Measure>>> = {
  loss: measureLoss,
  bound: measureBound,
  quotes: measureQuotes,
  delays: measureDelays,
  payouts: measurePayouts,
  latency: measureLatency,
  exposure: measureExposure,
  coverage: measureCoverage,
  reviews: measureReviews,
  'audit-actions': measureAuditActions,
  'audit-events': listAuditEvents,
}

/** A policy counts in the period of its last decision. */
async function measureLoss(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    with rate as (
      select * from unnest(${span.rates.map((rate) => rate.productVersionId)}::uuid[],
        ${span.rates.map((rate) => String(rate.bps))}::numeric[]) as r (id, bps)
    ),
    decided as (
      select v.code as product, l.carrier, l.origin, p.currency, p.sum_insured_minor as insured,
        p.amount_minor as incurred, p.premium_minor as premium, p.outcome,
        -- A quoted policy is expected to pay what its premium was computed from.
        p.sum_insured_minor * coalesce(
          (q.rate->>'paidBps')::numeric / nullif((q.rate->>'observations')::numeric, 0), r.bps)
          / 10000 as expected
      from policy p
      join flight_leg l on l.id = p.leg_id
      join product_version v on v.id = p.product_version_id
      left join rate r on r.id = p.product_version_id
      left join quote q on q.policy_id = p.id
      where ${within('p.decided_at', span)}
    ),
    grouped as (
      select ${groupedBy('product', 'carrier', 'origin')}, currency, count(*) as policies,
        count(*) filter (where outcome = 'PAY') as paid, sum(insured) as insured,
        sum(incurred) as incurred, sum(premium) as premium,
        round(sum(incurred) * 10000 / sum(insured))::integer as burn,
        round(sum(expected) * 10000
          / nullif(sum(insured) filter (where expected is not null), 0))::integer as expected,
        round(sum(incurred) filter (where premium is not null) * 10000
          / nullif(sum(premium), 0))::integer as ratio
      from decided
      group by grouping sets ((currency), (product, currency), (carrier, currency), (origin, currency))
    )
    select "by", "group", currency, policies, paid as "paidPolicies",
      insured::text as "sumInsuredMinor", incurred::text as "incurredMinor", burn as "burnBps",
      expected as "expectedBps", premium::text as "premiumMinor", ratio as "lossRatioBps"
    from (${ranked('grouped', 'insured')}) as g where rank <= ${GROUPS_AT_MOST}
    order by place, currency, rank`.execute(db)
  return rows
}

/** `by`, `group` and `place` of grouping sets over these columns and over none. */
function groupedBy(...columns: readonly string[]) {
  const names = columns.map((name) => sql`when grouping(${sql.ref(name)}) = 0 then ${name}`)
  const places = columns.map(
    (name, i) => sql`when grouping(${sql.ref(name)}) = 0 then ${sql.lit(i + 1)}`,
  )
  const refs = sql.join(columns.map((name) => sql.ref(name)))
  return sql`case ${sql.join(names, sql` `)} else 'all' end as "by",
    case ${sql.join(places, sql` `)} else 0 end as place, coalesce(${refs}, '') as "group"`
}

/** Groups of one kind and currency by their size. */
function ranked(from: string, size: string) {
  return sql`select *, row_number() over (
    partition by place, currency order by ${sql.ref(size)} desc, "group") as rank
    from ${sql.table(from)}`
}

async function measureBound(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select v.code as product, p.currency, count(*) as policies,
      sum(p.sum_insured_minor)::text as "sumInsuredMinor", sum(p.premium_minor)::text as "premiumMinor"
    from policy p join product_version v on v.id = p.product_version_id
    where ${within('p.bound_at', span)}
    group by 1, 2 order by 1, 2 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

/** Legs by the last decision of the period; each class is there, also when it is empty. */
async function measureDelays(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    with last as (
      select distinct on (leg_id) leg_id, delay_min, reasons from evaluation
      where ${within('evaluated_at', span)}
      order by leg_id, evaluated_at desc, id
    ),
    classed as (
      select case
        when 'CANCELLED' = any(reasons) then 6
        when 'NOT_REACHED' = any(reasons) then 7
        when delay_min is null then 8
        when delay_min < 0 then 0 when delay_min < 15 then 1 when delay_min < 45 then 2
        when delay_min < 120 then 3 when delay_min < 180 then 4 else 5 end as class
      from last
    )
    select d.delay, (select count(*) from classed c where c.class = d.class) as legs
    from (values (0, 'early'), (1, '0 to 14 min'), (2, '15 to 44 min'), (3, '45 to 119 min'),
      (4, '120 to 179 min'), (5, '180 min and more'), (6, 'cancelled'), (7, 'not reached'),
      (8, 'left to people')) as d (class, delay)
    order by d.class`.execute(db)
  return rows
}

async function measurePayouts(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    with floors as (select ${PAYOUTS_FROM_MINOR}::bigint[] as f)
    select p.currency, f[width_bucket(p.amount_minor, f)]::text as "fromMinor",
      count(*) as payouts, sum(p.amount_minor)::text as "amountMinor"
    from payout p, floors
    where ${within('p.paid_at', span)}
    group by p.currency, f, width_bucket(p.amount_minor, f)
    order by p.currency, width_bucket(p.amount_minor, f) limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

/** From the last news of a leg to its decision, and from the decision to the money. Business time. */
async function measureLatency(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    with took as (
      select 'news to decision' as step, 1 as place,
        greatest(0, extract(epoch from e.evaluated_at - o.changed_at))::float8 as s
      from evaluation e
      cross join lateral (
        select max(first_seen_at) as changed_at from flight_observation
        where id = any(e.observation_ids)) o
      where ${within('e.evaluated_at', span)} and o.changed_at is not null and e.rule = 'automatic'
      union all
      select 'decision to money', 2,
        greatest(0, extract(epoch from p.paid_at - e.evaluated_at))::float8
      from payout p join evaluation e on e.id = p.evaluation_id
      where ${within('p.paid_at', span)}
    )
    select step, count(*) as count,
      round(percentile_cont(0.5) within group (order by s))::integer as "p50S",
      round(percentile_cont(0.95) within group (order by s))::integer as "p95S",
      round(max(s))::integer as "maxS"
    from took group by step, place order by place`.execute(db)
  return rows
}

/** What was bound before the end, and neither decided nor cancelled by then; added up leg by leg first. */
async function measureExposure(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { until } = span
  const { rows } = await sql<FigureRow>`
    with of_leg as (
      select p.leg_id, p.currency, count(*) as policies, sum(p.sum_insured_minor) as insured
      from policy p
      where p.bound_at < ${until}::timestamptz
        and (p.decided_at is null or p.decided_at >= ${until}::timestamptz)
        and p.state <> 'DECLINED'
        and (p.state <> 'CANCELLED_BY_HOLDER' or (
          select c.effective_at from ledger_transaction c
          where c.ref = ${ledgerRef.cancel('')} || p.id) >= ${until}::timestamptz)
      group by p.leg_id, p.currency
    ),
    at_risk as (
      select l.origin_local_date::text as day, l.origin, l.destination, l.carrier, o.*
      from of_leg o join flight_leg l on l.id = o.leg_id
    ),
    grouped as (
      select ${groupedBy('day', 'origin', 'destination', 'carrier')}, currency,
        sum(policies)::bigint as policies, count(*) as legs, sum(insured) as insured
      from at_risk
      group by grouping sets ((currency), (day, currency), (origin, currency),
        (destination, currency), (carrier, currency))
    )
    select "by", "group", currency, policies, legs, insured::text as "sumInsuredMinor"
    from (${ranked('grouped', 'insured')}) as g where rank <= ${GROUPS_AT_MOST}
    order by place, currency, case when "by" = 'day' then "group" end, rank`.execute(db)
  return rows
}

async function measureCoverage(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select poll_phase as phase, count(*) filter (where ${within('opened_at', span)}) as incidents,
      max(gap_s) filter (where ${within('opened_at', span)}) as "greatestGapS",
      count(*) filter (where closed_at is null or closed_at >= ${span.until}::timestamptz) as "openAtEnd"
    from coverage_incident
    where opened_at < ${span.until}::timestamptz
      and (closed_at is null or closed_at >= ${span.from}::timestamptz)
    group by 1 order by 1 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

async function measureReviews(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select reason_code as reason, count(*) filter (where ${within('opened_at', span)}) as opened,
      count(*) filter (where ${within('resolved_at', span)}) as resolved,
      count(*) filter (where resolved_at is null or resolved_at >= ${span.until}::timestamptz)
        as "openAtEnd"
    from review_case
    where opened_at < ${span.until}::timestamptz
      and (resolved_at is null or resolved_at >= ${span.from}::timestamptz)
    group by 1 order by 1 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

async function measureQuotes(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const became = (state: string) => sql`count(*) filter (where q.state = ${state})`
  const { rows } = await sql<FigureRow>`
    select v.code as product, q.currency, count(*) as quotes, ${became('BOUND')} as bound,
      ${became('DECLINED')} as declined, ${became('LAPSED')} as lapsed,
      sum(q.premium_minor)::text as "premiumMinor"
    from quote q join product_version v on v.id = q.product_version_id
    where ${within('q.quoted_at', span)}
    group by 1, 2 order by 1, 2 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

async function measureAuditActions(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select actor, action, count(*) as events, count(distinct subject) as subjects
    from audit_event where ${within('at', span)}
    group by 1, 2 order by 1, 2 limit ${ROWS_AT_MOST}`.execute(db)
  return rows
}

/** Without their details, which may say more than a report's readers are to see. */
async function listAuditEvents(db: Database, span: BookSpan): Promise<FigureRow[]> {
  const { rows } = await sql<FigureRow>`
    select e.seq, e.at, e.actor, e.action, e.subject, c.position, c.hash
    from audit_event e left join audit_chain c on c.event_seq = e.seq
    where ${within('e.at', span)}
    order by e.seq limit ${EVENTS_AT_MOST}`.execute(db)
  return rows
}
