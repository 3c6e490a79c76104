/** Reads legs for people. */
import { sql } from 'kysely'

import type { LegFacts } from '../../domain/leg-facts.ts'
import type {
  LegDetails,
  LegFilter,
  LegReads,
  ListedLeg,
  ShownEvaluation,
  ShownIncident,
  ShownLook,
  ShownObservation,
} from '../../domain/ports/leg-reads.ts'
import { SHOWN_LIMIT } from '../../domain/ports/leg-reads.ts'
import { maxGapMs, type PollPhase } from '../../domain/poll-plan.ts'
import { SECOND_MS, type Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { keyPart, pageOf, readKey } from '../keyset.ts'
import { inSnapshot } from '../snapshot.ts'

/** The reader over this database. */
export function createLegReads(db: Database): LegReads {
  return {
    list: (filter, page) => listLegs(db, filter, page),
    find: (legKey, seq) => findLeg(db, legKey, seq),
  }
}

const LEG_KEY = [keyPart.date, keyPart.text, keyPart.integer]

async function listLegs(db: Database, filter: LegFilter, page: Parameters<LegReads['list']>[1]) {
  const scope = ['legs', filter]
  const key = readKey(page, scope, LEG_KEY)
  const { rows } = await sql<ListedLeg>`
    select l.leg_key as "legKey", l.seq, l.origin_local_date as "departureDate",
      l.scheduled_out as "scheduledOut", l.scheduled_in as "scheduledIn", l.phase,
      l.undecided_policies as "undecidedPolicies", l.next_poll_at as "nextPollAt",
      l.poll_reason as "pollReason"
    from flight_leg l
    where ${conditions(filter, key)}
    order by l.origin_local_date, l.leg_key, l.seq
    limit ${page.limit + 1}`.execute(db)
  return pageOf(rows, page, scope, {
    item: (row) => row,
    key: ({ departureDate, legKey, seq }) => [departureDate, legKey, String(seq)],
  })
}

function conditions(filter: LegFilter, key: readonly string[] | null) {
  const { phase, carrier, origin, destination, departureDate, isWatched } = filter
  const all = [sql`true`]
  if (key !== null) {
    all.push(sql`(l.origin_local_date, l.leg_key, l.seq)
      > (${key[0]}::date, ${key[1]}::text, ${key[2]}::bigint)`)
  }
  if (departureDate !== undefined) all.push(sql`l.origin_local_date = ${departureDate}::date`)
  if (phase !== undefined) all.push(sql`l.phase = ${phase}`)
  if (carrier !== undefined) all.push(sql`l.carrier = ${carrier}`)
  if (origin !== undefined) all.push(sql`l.origin = ${origin}`)
  if (destination !== undefined) all.push(sql`l.destination = ${destination}`)
  if (isWatched === true) all.push(sql`l.undecided_policies > 0`)
  if (isWatched === false) all.push(sql`l.undecided_policies = 0`)
  return sql.join(all, sql` and `)
}

type LegRow = Omit<
  LegDetails,
  | 'facts'
  | 'polls'
  | 'timetable'
  | 'exposure'
  | 'observations'
  | 'evaluations'
  | 'coverageIncidents'
  | 'policies'
> & {
  readonly nextLookAt: Instant | null
  readonly facts: LegFacts | { readonly version?: undefined }
  readonly nextPollAt: Instant | null
  readonly pollPhase: PollPhase | null
  readonly pollReason: string | null
  readonly lastPolledAt: Instant | null
  readonly lastAnsweredAt: Instant | null
  readonly consecutiveFailures: number
}

/** All parts of one moment: a page that contradicts itself is worse than one a second old. */
async function findLeg(db: Database, legKey: string, seq?: number): Promise<LegDetails | null> {
  return inSnapshot(db, async (trx) => {
    const row = await readLeg(trx, legKey, seq)
    if (row === undefined) return null
    const { facts, nextPollAt, pollPhase, pollReason, ...rest } = row
    const { lastPolledAt, lastAnsweredAt, consecutiveFailures, nextLookAt, ...leg } = rest
    return {
      ...leg,
      facts: facts.version === undefined ? null : facts,
      polls: {
        nextPollAt: leg.undecidedPolicies > 0 ? nextPollAt : null,
        phase: pollPhase,
        reason: pollReason,
        greatestGapS: greatestGapS(pollPhase),
        lastPolledAt,
        lastAnsweredAt,
        consecutiveFailures,
      },
      timetable: {
        nextLookAt: leg.undecidedPolicies > 0 ? nextLookAt : null,
        looks: await readLooks(trx, leg.legId),
      },
      ...(await readExposure(trx, leg.legId)),
      observations: await readObservations(trx, leg.legId),
      evaluations: await readEvaluations(trx, leg.legId),
      coverageIncidents: await readIncidents(trx, leg.legId),
    }
  })
}

function greatestGapS(phase: PollPhase | null): number | null {
  if (phase === null) return null
  const gapMs = maxGapMs(phase)
  return Number.isFinite(gapMs) ? gapMs / SECOND_MS : null
}

async function readLeg(db: Database, legKey: string, seq?: number): Promise<LegRow | undefined> {
  const { rows } = await sql<LegRow>`
    select l.id as "legId", l.leg_key as "legKey", l.seq, l.carrier,
      l.flight_number as "flightNumber", l.origin, l.destination,
      l.origin_local_date as "departureDate", l.origin_zone as "originZone",
      l.destination_zone as "destinationZone", l.scheduled_out as "scheduledOut",
      l.scheduled_in as "scheduledIn", l.phase, l.settled_at as "settledAt", l.facts,
      l.undecided_policies as "undecidedPolicies", l.next_poll_at as "nextPollAt",
      l.poll_phase as "pollPhase", l.poll_reason as "pollReason",
      l.last_polled_at as "lastPolledAt", l.last_ok_at as "lastAnsweredAt",
      l.consecutive_failures as "consecutiveFailures", l.next_timetable_at as "nextLookAt"
    from flight_leg l
    where l.leg_key = ${legKey} and (${seq ?? null}::integer is null or l.seq = ${seq ?? null})
    order by l.seq desc
    limit 1`.execute(db)
  return rows[0]
}

async function readExposure(
  db: Database,
  legId: string,
): Promise<Pick<LegDetails, 'policies' | 'exposure'>> {
  const { rows } = await sql<{ currency: string; policies: number; open: string | null }>`
    select currency, count(*) as policies, (sum(sum_insured_minor) filter (
      where outcome is null and state not in ('DECLINED', 'CANCELLED_BY_HOLDER')))::text as open
    from policy where leg_id = ${legId}
    group by currency order by currency`.execute(db)
  return {
    policies: rows.reduce((sum, row) => sum + row.policies, 0),
    exposure: rows.flatMap(({ currency, open }) =>
      open === null ? [] : [{ currency, sumInsuredMinor: open }],
    ),
  }
}

async function readLooks(db: Database, legId: string): Promise<ShownLook[]> {
  const { rows } = await sql<ShownLook>`
    select provider, finding, scheduled_out as "scheduledOut", scheduled_in as "scheduledIn",
      first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt", seen_count as "seenCount"
    from timetable_look where leg_id = ${legId}
    order by id desc limit ${SHOWN_LIMIT}`.execute(db)
  return rows
}

/** The newest observations of a leg, the newest first. */
export async function readObservations(db: Database, legId: string): Promise<ShownObservation[]> {
  const { rows } = await sql<ShownObservation>`
    select id as "observationId", provider, http_status as "httpStatus", flags,
      first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt", seen_count as "seenCount",
      norm as records
    from flight_observation where leg_id = ${legId}
    order by id desc limit ${SHOWN_LIMIT}`.execute(db)
  return rows
}

/** These observations; at most as many as evaluations of one policy rest on. */
export async function readObservationsOf(
  db: Database,
  ids: readonly number[],
): Promise<ShownObservation[]> {
  const { rows } = await sql<ShownObservation>`
    select id as "observationId", provider, http_status as "httpStatus", flags,
      first_seen_at as "firstSeenAt", last_seen_at as "lastSeenAt", seen_count as "seenCount",
      norm as records
    from flight_observation where id = any(${ids}::bigint[])
    order by id limit ${SHOWN_LIMIT * SHOWN_LIMIT}`.execute(db)
  return rows
}

async function readEvaluations(db: Database, legId: string): Promise<ShownEvaluation[]> {
  const { rows } = await sql<ShownEvaluation>`
    select e.id as "evaluationId", jsonb_build_object('code', v.code, 'version', v.version) as product,
      e.insured_scheduled_in as "insuredScheduledIn", e.outcome, e.bps, e.delay_min as "delayMin",
      e.reasons, e.observation_ids as "observationIds", e.evaluated_at as "evaluatedAt"
    from evaluation e join product_version v on v.id = e.product_version_id
    where e.leg_id = ${legId}
    order by e.evaluated_at desc, e.id limit ${SHOWN_LIMIT}`.execute(db)
  return rows
}

async function readIncidents(db: Database, legId: string): Promise<ShownIncident[]> {
  const { rows } = await sql<ShownIncident>`
    select poll_phase as phase, gap_s as "gapS", max_gap_s as "greatestGapS",
      opened_at as "openedAt", closed_at as "closedAt"
    from coverage_incident where leg_id = ${legId}
    order by id desc limit ${SHOWN_LIMIT}`.execute(db)
  return rows
}
