/** Looks at the timetable in Postgres, for legs whose polls have not begun. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import { MAX_LEG_PAGE } from '../../domain/ports/leg-store.ts'
import type {
  TimetableClaim,
  TimetableLook,
  TimetableLooks,
  WrittenLook,
} from '../../domain/ports/timetable-looks.ts'
import type { Schedule } from '../../domain/retime.ts'
import type { TimetableFinding } from '../../domain/timetable-watch.ts'
import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import type { DB } from '../types.generated.ts'
import { claimed, isUnclaimed, releaseLegs } from './leg-lease.ts'
import { endorsePolicies } from './polled-policies.ts'

/** The store over the product's schema. */
export function createTimetableLooks(db: Database): TimetableLooks {
  return {
    claim: (request) => claim(db, request),
    save: async (looks) => {
      if (looks.length > MAX_LEG_PAGE) throw new RangeError('page of looks is too long')
      return await retriedTransaction(db, (trx) => save(trx, looks))
    },
    release: (claimedBy) => releaseLegs(db, claimedBy),
  }
}

async function claim(db: Database, request: TimetableClaim): Promise<string[]> {
  const { now, pollsBeforeOutMs, limit } = request
  const { rows } = await sql<{ id: string; next_timetable_at: Instant }>`
    with due as (
      select l.id from flight_leg l
      where l.undecided_policies > 0 and l.next_timetable_at <= ${now}::timestamptz
        and l.scheduled_out > ${now}::timestamptz + ${pollsBeforeOutMs} * interval '1 millisecond'
        and ${isUnclaimed(request)}
      order by l.next_timetable_at, l.id
      limit ${limit}
      for update skip locked
    )
    update flight_leg l set ${claimed(request)}
    from due where l.id = due.id
    returning l.id, l.next_timetable_at`.execute(db)
  return rows
    .toSorted((a, b) => (a.next_timetable_at < b.next_timetable_at ? -1 : 1))
    .map((row) => row.id)
}

async function save(trx: Transaction<DB>, looks: readonly TimetableLook[]): Promise<WrittenLook[]> {
  const locked = await sql<{ id: string; poll_version: number }>`
    select id, poll_version from flight_leg
    where id = any(${looks.map(({ legId }) => legId)}::uuid[])
    order by id for update`.execute(trx)
  const versions = new Map(locked.rows.map((row) => [row.id, row.poll_version]))
  const current = looks.filter((look) => versions.get(look.legId) === look.pollVersion)
  if (current.length === 0) return []
  const before = await saveFindings(trx, current)
  await updateLegs(trx, current)
  const retimes = current.flatMap(({ legId, lookedAt, retimed }) =>
    retimed === null ? [] : [{ legId, seenAt: lookedAt, ...retimed }],
  )
  await endorsePolicies(trx, retimes)
  return current.map(({ legId }) => ({ legId, before: before.get(legId) ?? null }))
}

/** Adds what is new, counts what is the same; returns what was found before. */
async function saveFindings(
  trx: Transaction<DB>,
  looks: readonly TimetableLook[],
): Promise<ReadonlyMap<string, TimetableFinding['kind']>> {
  const found = looks.flatMap(({ legId, lookedAt, answer }) =>
    answer === null ? [] : [{ legId, lookedAt, ...answer, schedule: scheduleOf(answer.finding) }],
  )
  if (found.length === 0) return new Map()
  const { rows } = await sql<{ leg_id: string; before: TimetableFinding['kind'] }>`
    with r as (
      select * from unnest(
        ${found.map(({ legId }) => legId)}::uuid[],
        ${found.map(({ lookedAt }) => lookedAt)}::timestamptz[],
        ${found.map(({ provider }) => provider)}::text[],
        ${found.map(({ finding }) => finding.kind)}::text[],
        ${found.map(({ schedule }) => schedule?.scheduledOut ?? null)}::timestamptz[],
        ${found.map(({ schedule }) => schedule?.scheduledIn ?? null)}::timestamptz[],
        ${found.map(({ httpStatus }) => httpStatus)}::integer[],
        ${found.map(({ payloadSha256 }) => payloadSha256)}::text[]
      ) as u (leg_id, at, provider, finding, scheduled_out, scheduled_in, http_status, payload_sha256)
    ),
    latest as (
      select t.id, r.leg_id, t.finding, (t.provider, t.finding, t.scheduled_out, t.scheduled_in)
        is not distinct from (r.provider, r.finding, r.scheduled_out, r.scheduled_in) as is_same
      from r cross join lateral (
        select * from timetable_look where leg_id = r.leg_id order by id desc limit 1
      ) as t
    ),
    seen_again as (
      update timetable_look t set seen_count = t.seen_count + 1,
        last_seen_at = greatest(t.last_seen_at, r.at)
      from latest l join r on r.leg_id = l.leg_id
      where t.id = l.id and l.is_same
    ),
    added as (
      insert into timetable_look (leg_id, provider, finding, scheduled_out, scheduled_in, http_status,
        payload_sha256, first_seen_at, last_seen_at)
      select r.leg_id, r.provider, r.finding, r.scheduled_out, r.scheduled_in, r.http_status,
        r.payload_sha256, r.at, r.at
      from r
      where not exists (select from latest l where l.leg_id = r.leg_id and l.is_same)
    )
    select leg_id, finding as before from latest`.execute(trx)
  return new Map(rows.map((row) => [row.leg_id, row.before]))
}

function scheduleOf(finding: TimetableFinding): Schedule | null {
  return finding.kind === 'LISTED' ? finding.schedule : null
}

async function updateLegs(trx: Transaction<DB>, looks: readonly TimetableLook[]): Promise<void> {
  await sql`
    update flight_leg l set
      next_timetable_at = r.next_timetable_at,
      scheduled_out = coalesce(r.scheduled_out, l.scheduled_out),
      scheduled_in = coalesce(r.scheduled_in, l.scheduled_in),
      -- A leg whose last policy was decided meanwhile must not come back into the plan.
      next_poll_at = case when r.next_poll_at is null then l.next_poll_at
        when l.undecided_policies > 0 then r.next_poll_at end,
      poll_phase = coalesce(r.poll_phase, l.poll_phase),
      poll_reason = coalesce(r.poll_reason, l.poll_reason),
      -- A poll under way was planned by the old timetable, and must not be written over the new one.
      poll_version = l.poll_version + case when r.scheduled_out is null then 0 else 1 end,
      claimed_by = null, claimed_until = null, updated_at = now()
    from unnest(
      ${looks.map(({ legId }) => legId)}::uuid[],
      ${looks.map(({ nextTimetableAt }) => nextTimetableAt)}::timestamptz[],
      ${looks.map(({ retimed }) => retimed?.scheduledOut ?? null)}::timestamptz[],
      ${looks.map(({ retimed }) => retimed?.scheduledIn ?? null)}::timestamptz[],
      ${looks.map(({ retimed }) => retimed?.nextPollAt ?? null)}::timestamptz[],
      ${looks.map(({ retimed }) => retimed?.pollPhase ?? null)}::text[],
      ${looks.map(({ retimed }) => retimed?.pollReason ?? null)}::text[]
    ) as r (id, next_timetable_at, scheduled_out, scheduled_in, next_poll_at, poll_phase, poll_reason)
    where l.id = r.id`.execute(trx)
}
