/** Watched legs in Postgres: claims, polls and coverage. */
import { sql } from 'kysely'
import type { RawBuilder, Transaction } from 'kysely'

import type { LegPhase } from '../../domain/leg-phase.ts'
import { MAX_LEG_PAGE } from '../../domain/ports/leg-store.ts'
import type {
  ClaimRequest,
  InsuredGroup,
  LegStore,
  LegToPoll,
  NewObservation,
  PolledLeg,
} from '../../domain/ports/leg-store.ts'
import type { PollPhase } from '../../domain/poll-plan.ts'
import type { Product } from '../../domain/product.ts'
import { parseInstant } from '../../domain/time.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { accountForCoverage } from './leg-coverage.ts'
import { claimed, isUnclaimed } from './leg-lease.ts'
import { beginMonitoring, endorsePolicies, retimesOf } from './polled-policies.ts'
import { factsOf, secondFactsOf, watchedLegColumns, watchedLegOf } from './watched-leg.ts'
import type { WatchedLegRow } from './watched-leg.ts'

/** The leg store over a database. */
export function createLegStore(db: Database): LegStore {
  return {
    claimDue: (request) => claimDue(db, request),
    claimLeg: (claim) => claimLeg(db, claim),
    loadForPolling: (legIds) => loadForPolling(db, legIds),
    savePolls: async (polls) => {
      if (polls.length > MAX_LEG_PAGE) throw new RangeError('page of polls is too long')
      return await retriedTransaction(db, (trx) => savePolls(trx, polls))
    },
    accountForCoverage: (request) => accountForCoverage(db, request),
  }
}

async function claimDue(
  db: Database,
  request: ClaimRequest,
): Promise<{ due: number; legIds: string[] }> {
  const { now, limit } = request
  const count = await sql<{ due: number }>`
    select count(*) as due from flight_leg
    where undecided_policies > 0 and next_poll_at <= ${now}::timestamptz`.execute(db)
  const taken = await sql<{ id: string; next_poll_at: Instant }>`
    with due as (
      select l.id from flight_leg l
      where l.undecided_policies > 0 and l.next_poll_at <= ${now}::timestamptz
        and ${isUnclaimed(request)}
      order by l.next_poll_at, l.id
      limit ${limit}
      for update skip locked
    )
    update flight_leg l set ${claimed(request)}
    from due where l.id = due.id
    returning l.id, l.next_poll_at`.execute(db)
  const oldestFirst = taken.rows.toSorted((a, b) => (a.next_poll_at < b.next_poll_at ? -1 : 1))
  return { due: count.rows[0]?.due ?? 0, legIds: oldestFirst.map((row) => row.id) }
}

async function claimLeg(
  db: Database,
  claim: Parameters<LegStore['claimLeg']>[0],
): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update flight_leg l set ${claimed(claim)}
    where l.id = ${claim.legId}::uuid and l.undecided_policies > 0 and ${isUnclaimed(claim)}
    returning l.id`.execute(db)
  return rows.length > 0
}

type LegToPollRow = WatchedLegRow & {
  readonly id: string
  readonly provider_ident: string
  readonly phase: LegPhase
  readonly poll_phase: PollPhase | null
  readonly consecutive_failures: number
  readonly poll_version: number
  readonly norm_sha256: Readonly<Record<string, string>> | null
  readonly has_bound: boolean
  readonly groups: readonly { readonly version: string; readonly arrival: string }[]
}

async function loadForPolling(db: Database, legIds: readonly string[]): Promise<LegToPoll[]> {
  if (legIds.length > MAX_LEG_PAGE) throw new RangeError('page of legs is too long')
  const { rows } = await sql<LegToPollRow>`
    select l.id, l.provider_ident, l.phase, l.poll_phase, l.consecutive_failures, l.poll_version,
      o.norm_sha256, ${watchedLegColumns},
      coalesce((
        select json_agg(g) from (
          select distinct p.product_version_id as version, p.insured_scheduled_in as arrival
          from policy p
          where p.leg_id = l.id and p.outcome is null and p.state in ('BOUND', 'MONITORING')
          order by version, arrival) as g
      ), '[]') as groups,
      exists (
        select from policy p where p.leg_id = l.id and p.state = 'BOUND' and p.outcome is null
      ) as has_bound
    from flight_leg l
    left join lateral (
      select jsonb_object_agg(n.provider, n.norm_sha256) as norm_sha256 from (
        select distinct on (provider) provider, norm_sha256 from flight_observation
        where leg_id = l.id order by provider, id desc) as n
    ) as o on true
    where l.id = any(${legIds}::uuid[])
    order by l.id
    limit ${MAX_LEG_PAGE}`.execute(db)
  const products = await loadProducts(db, rows)
  return rows.map((row) => ({
    legId: row.id,
    leg: watchedLegOf(row),
    providerIdent: row.provider_ident,
    facts: factsOf(row),
    second: secondFactsOf(row),
    phase: row.phase,
    pollPhase: row.poll_phase,
    consecutiveFailures: row.consecutive_failures,
    pollVersion: row.poll_version,
    lastNormSha256: row.norm_sha256 ?? {},
    groups: row.groups.map((group) => insuredGroup(group, products)),
    hasBound: row.has_bound,
  }))
}

async function loadProducts(
  db: Database,
  legs: readonly LegToPollRow[],
): Promise<ReadonlyMap<string, Product>> {
  const ids = new Set(legs.flatMap((leg) => leg.groups.map((group) => group.version)))
  const { rows } = await sql<{ id: string; rules: Product }>`
    select id, rules from product_version where id = any(${[...ids]}::uuid[])`.execute(db)
  return new Map(rows.map((row) => [row.id, row.rules]))
}

function insuredGroup(
  group: { readonly version: string; readonly arrival: string },
  products: ReadonlyMap<string, Product>,
): InsuredGroup {
  const product = products.get(group.version)
  if (product === undefined) throw new Error(`product version ${group.version} vanished`)
  const insuredScheduledIn = parseInstant(group.arrival)
  return { productVersionId: group.version, product, insuredScheduledIn }
}

async function savePolls(trx: Transaction<DB>, polls: readonly PolledLeg[]): Promise<string[]> {
  const locked = await sql<{ id: string; poll_version: number }>`
    select id, poll_version from flight_leg
    where id = any(${polls.map((poll) => poll.legId)}::uuid[])
    order by id for update`.execute(trx)
  const versions = new Map(locked.rows.map((row) => [row.id, row.poll_version]))
  const current = polls.filter((poll) => versions.get(poll.legId) === poll.pollVersion)
  if (current.length === 0) return []
  await saveObservations(trx, current.flatMap(observationsOf))
  await updateLegs(trx, current)
  await endorsePolicies(trx, retimesOf(current))
  await beginMonitoring(trx, current)
  return current.map((poll) => poll.legId)
}

type Answered = {
  readonly legId: string
  readonly at: Instant
  readonly observation: NewObservation
}

/** What a poll saw, of one source or of both. */
function observationsOf({ legId, polledAt, answer, second }: PolledLeg): Answered[] {
  const seen: Answered[] = []
  if (answer !== null) seen.push({ legId, at: polledAt, observation: answer.observation })
  const other = second?.observation ?? null
  if (second !== undefined && other !== null) {
    seen.push({ legId, at: second.askedAt, observation: other })
  }
  return seen
}

async function saveObservations(
  trx: Transaction<DB>,
  answered: readonly Answered[],
): Promise<void> {
  await sql`
    with r as (${observationRows(answered)}),
    latest as (
      select r.leg_id, r.provider, o.id
      from r cross join lateral (
        select id, provider, norm_sha256 from flight_observation
        where leg_id = r.leg_id and provider = r.provider order by id desc limit 1
      ) as o
      where o.norm_sha256 = r.norm_sha256
    ),
    seen_again as (
      update flight_observation o set seen_count = o.seen_count + 1,
        last_seen_at = greatest(o.last_seen_at, r.polled_at)
      from r join latest on latest.leg_id = r.leg_id and latest.provider = r.provider
      where o.id = latest.id
    )
    insert into flight_observation (leg_id, provider, http_status, payload_sha256, norm_sha256,
      norm, flags, first_seen_at, last_seen_at)
    select r.leg_id, r.provider, r.http_status, r.payload_sha256, r.norm_sha256, r.norm,
      array(select jsonb_array_elements_text(r.flags)), r.polled_at, r.polled_at
    from r
    where not exists (
      select from latest where latest.leg_id = r.leg_id and latest.provider = r.provider)`.execute(
    trx,
  )
}

function observationRows(answered: readonly Answered[]): RawBuilder<unknown> {
  return sql`
    select * from unnest(
      ${answered.map(({ legId }) => legId)}::uuid[],
      ${answered.map(({ at }) => at)}::timestamptz[],
      ${answered.map(({ observation }) => observation.provider)}::text[],
      ${answered.map(({ observation }) => observation.httpStatus)}::integer[],
      ${answered.map(({ observation }) => observation.payloadSha256)}::text[],
      ${answered.map(({ observation }) => observation.normSha256)}::text[],
      ${answered.map(({ observation }) => observation.norm)}::jsonb[],
      ${answered.map(({ observation }) => JSON.stringify(observation.flags))}::jsonb[]
    ) as u (leg_id, polled_at, provider, http_status, payload_sha256, norm_sha256, norm, flags)`
}

async function updateLegs(trx: Transaction<DB>, polls: readonly PolledLeg[]): Promise<void> {
  const facts = polls.map(({ answer }) => (answer === null ? null : JSON.stringify(answer.facts)))
  const second = polls.map((poll) =>
    poll.second === undefined ? null : JSON.stringify(poll.second.facts),
  )
  await sql`
    update flight_leg l set
      facts = coalesce(r.facts, l.facts),
      scheduled_out = coalesce(r.scheduled_out, l.scheduled_out),
      scheduled_in = coalesce(r.scheduled_in, l.scheduled_in),
      -- A late answer must not unsettle a leg whose policies were decided meanwhile.
      phase = case when l.phase = 'SETTLED' and l.settled_at is not null then l.phase
        else coalesce(r.phase, l.phase) end,
      second_facts = coalesce(r.second_facts, l.second_facts),
      last_ok_at = case when r.facts is null then l.last_ok_at else r.polled_at end,
      last_polled_at = r.polled_at,
      consecutive_failures = r.consecutive_failures,
      -- A leg whose last policy was decided meanwhile must not come back into the plan.
      next_poll_at = case when l.undecided_policies > 0 then r.next_poll_at end,
      poll_phase = r.poll_phase, poll_reason = r.poll_reason,
      poll_version = l.poll_version + 1,
      claimed_by = null, claimed_until = null, updated_at = now()
    from unnest(
      ${polls.map((poll) => poll.legId)}::uuid[],
      ${polls.map((poll) => poll.polledAt)}::timestamptz[],
      ${facts}::jsonb[],
      ${second}::jsonb[],
      ${polls.map(({ answer }) => answer?.phase ?? null)}::text[],
      ${polls.map((poll) => poll.consecutiveFailures)}::integer[],
      ${polls.map((poll) => poll.nextPollAt)}::timestamptz[],
      ${polls.map((poll) => poll.pollPhase)}::text[],
      ${polls.map((poll) => poll.pollReason)}::text[],
      ${polls.map(({ answer }) => answer?.retimed?.scheduledOut ?? null)}::timestamptz[],
      ${polls.map(({ answer }) => answer?.retimed?.scheduledIn ?? null)}::timestamptz[]
    ) as r (id, polled_at, facts, second_facts, phase, consecutive_failures, next_poll_at,
      poll_phase, poll_reason, scheduled_out, scheduled_in)
    where l.id = r.id`.execute(trx)
}
