/** What killed jobs find to do in a database: a book whose month is over, aged rows, requests, messages. */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { createPrivacyRequestStore } from '../../db/stores/privacy-request-store.ts'
import { legKey } from '../../domain/leg.ts'
import { addMs, HOUR_MS, instantFromMs, parseInstant } from '../../domain/time.ts'
import { decideLegs } from '../../operations/decide-legs.ts'
import { receivePrivacyRequest } from '../../operations/manage-privacy-requests.ts'
import { notifyOperators } from '../../operations/notify-operators.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import {
  arrivedRecord,
  B6_35,
  bindRows,
  BOUND_AT,
  fakeFlightData,
  identityOf,
  manualClock,
  rowOf,
} from './builders.ts'
import { seedFiles } from './killed-jobs-files.ts'
import { saveContacts } from './notification-book.ts'

/** The business clock, which stands: the month of the flights is over. */
export const NOW = parseInstant('2013-04-02T12:00:00Z')

/** Sizes of a batch: the second of three is the one that is held. */
const BATCH = 100
const AGED = 250
export const IN_SECOND_BATCH = 150

/** Processes that have ended; they go 500 at a time. */
const ENDED_PROCESSES = 800
export const IN_SECOND_FIVE_HUNDRED = 700

/** Locks that steps wait for: the first key of all, and the second of the table that is slow to look through. */
export const HELD = 7_117
export const HELD_TABLE = 99

/** What runs are started for. */
export type SeededIds = {
  readonly exportId: string
  readonly erasureId: string
  readonly noticeIds: readonly string[]
}

/** Gives every job something to do; the same in every database. */
export async function seedForKill(db: Database, home: string): Promise<SeededIds> {
  // First of all: the oldest events are archived, and what follows them is younger.
  await sql`
    insert into audit_event (at, actor, action, subject, details)
    select '2012-01-01T00:00:00Z'::timestamptz, 'ann', 'test', 'test:' || n, '{"n": 1.50}'
    from generate_series(1, 5) n order by n`.execute(db)
  await bookOfNoPays(db)
  await sql`
    insert into setting (key, value, updated_by)
    values ('cleanup.batchSize', ${String(BATCH)}::jsonb, 'test'),
      ('jobs.limits', '{"maintenance": {"concurrent": 2}}', 'test')`.execute(db)
  await sql`
    insert into run_log_line (workflow_id, run_id, at, writer, n, level, event, data)
    select 'old', groundstop_id('run'), now() - interval '20 days' + n * interval '1 second',
      groundstop_id('writer'), n, 'info', 'step-done', '{}'
    from generate_series(1, ${AGED}::int) n`.execute(db)
  await sql`
    insert into auth_user (id, name, email, email_verified, role)
    values ('ann', 'ann', 'ann@example.com', true, 'viewer')`.execute(db)
  await sql`
    insert into auth_session (id, user_id, token, expires_at, updated_at)
    select case n when 0 then 'live' else 's' || n end, 'ann', encode(sha256(n::text::bytea), 'hex'), now(),
      case n when 0 then now() else now() - interval '20 days' + n * interval '1 second' end
    from generate_series(0, ${AGED}::int) n`.execute(db)
  await sql`
    insert into provider_process (provider, reporter, breaker, updated_at)
    select 'gone', 'worker:' || n, 'closed', now() - interval '1 hour'
    from generate_series(1, ${ENDED_PROCESSES}::int) n`.execute(db)
  await slowTable(db)
  await createClockStore(db).set({ now: NOW, speed: 0 })
  const operatorNoticeStore = createOperatorNoticeStore(db)
  const trouble = { key: 'job:x', severity: 'critical', subject: 'x failed', text: 'look' } as const
  await notifyOperators({ operatorNoticeStore }, trouble)
  const { rows } = await sql<{ id: string }>`
    select id from notification where channel = 'webhook'`.execute(db)
  await seedFiles(home)
  return { ...(await askForData(db)), noticeIds: rows.map(({ id }) => id) }
}

async function bookOfNoPays(db: Database): Promise<void> {
  const clock = manualClock(BOUND_AT)
  const flightData = fakeFlightData([B6_35])
  const rows = ['P0', 'P1', 'P2'].map((number) => rowOf(B6_35, number))
  const { rejected } = await bindRows(db, flightData, clock, rows)
  if (rejected[0] !== undefined) throw new Error(JSON.stringify(rejected[0]))
  const legs = await sql<{ id: string }>`select id from flight_leg`.execute(db)
  const legIds = legs.rows.map(({ id }) => id)
  flightData.shown.set(legKey(identityOf(B6_35)), [arrivedRecord(B6_35, 20)])
  for (const hours of [1, 3]) {
    clock.set(addMs(B6_35.scheduledIn, hours * HOUR_MS))
    const deps = { legStore: createLegStore(db), flightData, clock }
    await pollLegShard(deps, { legIds, claimedBy: 'tick' }, { concurrency: 1 })
  }
  await decideLegs({ decisionStore: createDecisionStore(db), clock }, { legIds })
}

async function askForData(db: Database): Promise<{ exportId: string; erasureId: string }> {
  await saveContacts(db, [
    { holder_ref: 'acct_export', email: 'eve@example.com', channels: 'email' },
    { holder_ref: 'acct_erased', email: 'bob@example.com', channels: 'email' },
  ])
  const wallNow = () => instantFromMs(Date.now())
  const privacyRequests = createPrivacyRequestStore(db)
  const deps = { privacyRequests, clock: manualClock(NOW), wallNow }
  const receive = async (kind: 'export' | 'erasure', holderRef: string) => {
    const asked = { kind, holderRef, receivedAt: wallNow(), by: 'user:ana', reason: 'a letter' }
    return (await receivePrivacyRequest(deps, asked)).request.requestId
  }
  return {
    exportId: await receive('export', 'acct_export'),
    erasureId: await receive('erasure', 'acct_erased'),
  }
}

/** A table whose statistics are of a function that waits, without a lock of the server's, for the test. */
async function slowTable(db: Database): Promise<void> {
  await sql`
    create function waits(n int) returns int language plpgsql immutable as $$
    begin
      while not pg_try_advisory_xact_lock_shared(${sql.lit(HELD)}, ${sql.lit(HELD_TABLE)}) loop
        perform pg_sleep(0.02);
      end loop;
      return n;
    end $$`.execute(db)
  await sql`create table slow (n int)`.execute(db)
  await sql`insert into slow select generate_series(1, 100)`.execute(db)
  await sql`create index slow_waits on slow (waits(n))`.execute(db)
}
