/** Jobs of every family with something to do, where each is held half-way, and what it is to leave behind. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

import { sql } from 'kysely'

import { writeKeyRingFile } from '../../adapters/secrets/key-ring-file.ts'
import { newKeyMaterial } from '../../adapters/secrets/key-ring-sources.ts'
import type { Database } from '../../db/client.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createDecisionStore } from '../../db/stores/decision-store.ts'
import { createLegStore } from '../../db/stores/leg-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { createPrivacyRequestStore } from '../../db/stores/privacy-request-store.ts'
import { legKey } from '../../domain/leg.ts'
import { addMs, DAY_MS, HOUR_MS, instantFromMs, parseInstant } from '../../domain/time.ts'
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
import { saveContacts } from './notification-book.ts'

/** The business clock, which stands: the month of the flights is over. */
export const NOW = parseInstant('2013-04-02T12:00:00Z')

/** Sizes of a batch: the second of three is the one that is held. */
const BATCH = 100
const AGED = 250
const IN_SECOND_BATCH = 150

/** Some seconds of compressing, so that its beginning is seen before its end. */
const LOG_MB = 128
const LOG = 'worker.log.20260101000000000'

/** Where a step waits: in a statement that writes such a row, until the test lets it go on. */
export type Hold = {
  readonly on: string
  readonly event: 'insert' | 'update' | 'delete'
  readonly when: string
}

/** A run, where it is held, and what is compared. */
export type KilledJob = {
  readonly name: string
  readonly job: string
  readonly input: (ids: SeededIds) => unknown
  /** Where it is held, others that are held would keep it from coming. */
  readonly isFirst?: true
  /** Absent: it is held by a lock of a table, or seen by its file. */
  readonly hold?: Hold
  /** One row for each thing that must be the same. Absent: it leaves files alone. */
  readonly state?: string
}

/** What runs are started for. */
export type SeededIds = {
  readonly exportId: string
  readonly erasureId: string
  readonly noticeIds: readonly string[]
}

const requestState = (kind: string) => `
  select r.kind, r.state, r.refusal, r.file_bytes is not null as has_file,
    (select count(*) from audit_event a where a.subject like '%' || r.id::text
      and a.action = 'privacy.fulfil') as answers
  from privacy_request r where r.kind = '${kind}'`

const periodState = (kind: string) => `
  select p.kind, p.clock, p.starts_at, p.ends_at, p.revision, p.content_sha256,
    (select count(*) from analytics_figure f where f.kind = p.kind and f.clock = p.clock
      and f.starts_at = p.starts_at) as sections
  from analytics_period p where p.kind = '${kind}' order by 2, 3`

/** The runs whose worker is killed. */
export const KILLED_JOBS: readonly KilledJob[] = [
  {
    name: 'executive-summary',
    job: 'executive-summary',
    // Held where it is done with figures: one writer at a time may save them.
    isFirst: true,
    input: () => ({}),
    hold: { on: 'operator_notice', event: 'insert', when: "new.key like 'report:%'" },
    state: periodState('month'),
  },
  {
    name: 'cleanup',
    job: 'cleanup',
    input: () => ({ what: ['logs'] }),
    hold: { on: 'run_log_line', event: 'delete', when: `old.n = ${IN_SECOND_BATCH}` },
    state: "select count(*) as left from run_log_line where workflow_id = 'old'",
  },
  {
    name: 'session-cleanup',
    job: 'session-cleanup',
    input: () => ({}),
    hold: { on: 'auth_session', event: 'delete', when: `old.id = 's${IN_SECOND_BATCH}'` },
    state: 'select id from auth_session order by id',
  },
  {
    name: 'audit-log-archive',
    job: 'audit-log-archive',
    input: () => ({}),
    hold: { on: 'audit_archive', event: 'insert', when: 'true' },
    state: `
      select a.first_position, a.last_position, a.file, a.hash,
        (select count(*) from audit_event e where e.action = 'test') as left
      from audit_archive a order by 1`,
  },
  {
    name: 'privacy-request: export',
    job: 'privacy-request',
    // An erasure keeps copies from being made.
    isFirst: true,
    input: ({ exportId }) => ({ requestId: exportId }),
    hold: {
      on: 'privacy_request',
      event: 'update',
      when: "new.kind = 'export' and new.state = 'FULFILLED'",
    },
    state: requestState('export'),
  },
  {
    name: 'privacy-request: erasure',
    job: 'privacy-request',
    input: ({ erasureId }) => ({ requestId: erasureId }),
    hold: { on: 'erased_person', event: 'insert', when: 'true' },
    state: `
      select r.*, (select count(*) from erased_person) as erased,
        (select count(*) from contact where holder_ref = 'acct_erased') as contacts
      from (${requestState('erasure')}) r`,
  },
  { name: 'log-pruning', job: 'log-pruning', input: () => ({}) },
  {
    name: 'secret-rotation',
    job: 'secret-rotation',
    input: () => ({}),
    hold: { on: 'audit_event', event: 'insert', when: "new.action = 'secret.retire'" },
    state: "select actor, action, subject from audit_event where action like 'secret.%'",
  },
  {
    name: 'daily-analytics',
    job: 'daily-analytics',
    input: () => ({}),
    hold: {
      on: 'analytics_period',
      event: 'insert',
      when: "new.kind = 'day' and new.starts_at < '2013-04-01T00:00:00Z'",
    },
    state: periodState('day'),
  },
  {
    name: 'reconciliation',
    job: 'reconciliation',
    input: () => ({ since: '2013-03-01T00:00:00.000Z' }),
    hold: { on: 'review_case', event: 'insert', when: "new.subject_kind = 'transfer'" },
    state: `
      select subject_kind, subject_id, reason_code, state,
        (select count(*) from listed_transfer) as listed,
        (select position from job_cursor where job like 'reconciliation%') as position
      from review_case where subject_kind = 'transfer'`,
  },
  {
    name: 'policy-expiration',
    job: 'policy-expiration',
    input: () => ({}),
    hold: { on: 'ledger_transaction', event: 'insert', when: "new.kind = 'expire'" },
    state: `
      select p.policy_number, p.state, e.state as escrow,
        (select count(*) from ledger_transaction t where t.kind = 'expire') as expiries,
        (select sum(balance_minor) from pool_balance) as pool
      from policy p join escrow_reservation e on e.policy_id = p.id order by 1`,
  },
  {
    name: 'notification',
    job: 'notification',
    input: ({ noticeIds }) => ({ notificationIds: noticeIds }),
    hold: { on: 'notification', event: 'update', when: "new.state = 'SENT'" },
    state: `
      select id, channel, state, reason from notification
      where content->>'subject' = 'x failed' order by channel`,
  },
  // Held by locks of the tables that they read, so they come last.
  {
    name: 'report',
    job: 'report',
    input: () => ({ period: '2013-03', what: ['usage'] }),
  },
  {
    name: 'maintenance',
    job: 'maintenance',
    input: () => ({ task: 'reindex', tables: ['rail_hold'] }),
    state: `
      select i.relname, x.indisvalid from pg_index x join pg_class i on i.oid = x.indexrelid
      where x.indrelid = 'rail_hold'::regclass order by 1`,
  },
]

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
    values ('cleanup.batchSize', ${String(BATCH)}::jsonb, 'test')`.execute(db)
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

/** A log to compress, and a ring with a key that nobody needs any more. */
async function seedFiles(home: string): Promise<void> {
  await mkdir(join(home, 'logs'), { recursive: true })
  const line = Buffer.from(`${newKeyMaterial()}\n`)
  await writeFile(join(home, 'logs', LOG), Buffer.alloc(LOG_MB * 1_000_000, line))
  const times = { createdAt: instantFromMs(Date.now() - 300 * DAY_MS) }
  const replacedAt = instantFromMs(Date.now() - 200 * DAY_MS)
  const activatedAt = instantFromMs(Date.now() - DAY_MS)
  await writeKeyRingFile(ringPath(home), {
    keys: [
      {
        ...times,
        keyId: 'old',
        state: 'replaced',
        material: newKeyMaterial(),
        activatedAt: null,
        replacedAt,
      },
      {
        ...times,
        keyId: 'new',
        state: 'active',
        material: newKeyMaterial(),
        activatedAt,
        replacedAt: null,
      },
    ],
  })
}

/** The webhook's key ring. */
export function ringPath(home: string): string {
  return join(home, 'webhook-keys.json')
}

/** What is seen while the log is compressed. */
export function logDraft(home: string): string {
  return join(home, 'logs', `${LOG}.gz.draft`)
}

/** Tables and files that the jobs leave behind, by job; times of the wall and random bytes left out. */
export async function stateAfter(db: Database, home: string): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {}
  for (const { name, state: text } of KILLED_JOBS) {
    if (text !== undefined) state[name] = (await sql.raw(text).execute(db)).rows
  }
  const ring = await readFile(ringPath(home), 'utf8')
  const log = await readFile(join(home, 'logs', `${LOG}.gz`))
  return {
    ...state,
    'files: logs': await namesUnder(join(home, 'logs')),
    'files: log': gunzipSync(log).length,
    'files: ring': [...ring.matchAll(/"keyId": ?"(\w+)"/g)].map(([, keyId]) => keyId),
    'files: archives': await namesUnder(join(home, 'audit-archive')),
    'files: exports': (await namesUnder(join(home, 'privacy'))).map((name) =>
      name.replaceAll(/[0-9a-f-]{36}/g, '<id>'),
    ),
    'files: reports': await reportsUnder(join(home, 'reports')),
  }
}

async function namesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .toSorted()
}

/** The text of every report's files, without when they were made. */
async function reportsUnder(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const texts: Record<string, string> = {}
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name)
    const text = await readFile(path, 'latin1')
    texts[path.slice(folder.length)] = text.replaceAll(/"generatedAt\w*": ?"[^"]*"/g, '')
  }
  return texts
}
