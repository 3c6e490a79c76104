/**
 * Jobs of every family, where each is held half-way, and what it is to leave behind. What they find to do is in
 * `killed-jobs-seed.ts`.
 */
import { sql } from 'kysely'

import type { Database } from '../../db/client.ts'
import { filesAfter } from './killed-jobs-files.ts'
import { IN_SECOND_BATCH, IN_SECOND_FIVE_HUNDRED, type SeededIds } from './killed-jobs-seed.ts'

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
  /** It is in the middle for some seconds only, so it is started last. */
  readonly isShort?: true
  /** Killed with the second worker, once the runs that the first left behind have ended. */
  readonly isSecond?: true
  /** It is no run of its own: the one of this name, killed again at a later step. */
  readonly goesOnFrom?: string
  /** Absent: it is held by a lock of a table, or seen by its file. */
  readonly hold?: Hold
  /** One row for each thing that must be the same. Absent: it leaves files alone. */
  readonly state?: string
}

const requestState = (kind: string) => `
  select r.kind, r.state, r.refusal, r.file_bytes is not null as has_file,
    (select count(*) from audit_event a where a.subject like '%' || r.id::text
      and a.action = 'privacy.fulfil') as answers
  from privacy_request r where r.kind = '${kind}'`

const secretState = (ring: string) => `
  select actor, action, subject from audit_event
  where action like 'secret.%' and subject like 'secret:${ring}/%' order by seq`

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
  { name: 'log-pruning: compressing', job: 'log-pruning', isShort: true, input: () => ({}) },
  {
    name: 'log-pruning: removing',
    job: 'log-pruning',
    isSecond: true,
    input: () => ({}),
  },
  {
    name: 'secret-rotation: payloads',
    job: 'secret-rotation',
    // An erasure keeps keys of persons from being closed anew.
    isFirst: true,
    input: () => ({}),
    hold: { on: 'audit_event', event: 'insert', when: "new.action = 'secret.activate'" },
    state: secretState('payload'),
  },
  {
    name: 'secret-rotation: webhooks',
    job: 'secret-rotation',
    isSecond: true,
    goesOnFrom: 'secret-rotation: payloads',
    input: () => ({}),
    hold: { on: 'audit_event', event: 'insert', when: "new.action = 'secret.retire'" },
    state: secretState('webhook'),
  },
  {
    name: 'provider-instance-cleanup',
    job: 'provider-instance-cleanup',
    input: () => ({}),
    hold: {
      on: 'provider_process',
      event: 'delete',
      when: `old.reporter = 'worker:${IN_SECOND_FIVE_HUNDRED}'`,
    },
    state: "select count(*) as left from provider_process where provider = 'gone'",
  },
  {
    name: 'provider-health-check',
    job: 'provider-health-check',
    // Half a minute for the whole run.
    isShort: true,
    input: () => ({}),
    hold: { on: 'provider_health', event: 'insert', when: "new.provider = 'stripe'" },
    state: `
      select h.provider, h.state, h.reason,
        (select count(*) from provider_state_change c where c.provider = h.provider) as changes
      from provider_health h order by 1`,
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
    name: 'coverage-arming',
    job: 'coverage-arming',
    input: () => ({ product: 'FD120', action: 'disarm', by: 'ann', reason: 'a storm' }),
    hold: { on: 'cover_switch_change', event: 'insert', when: 'true' },
    state: `
      select s.product, s.is_armed, s.changed_by, c.outcome,
        (select count(*) from audit_event a where a.action = 'cover.disarmed') as events
      from cover_switch s join cover_switch_change c on c.product = s.product`,
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
  {
    name: 'notification-relay',
    job: 'notification-relay',
    isSecond: true,
    input: () => ({ passes: 1 }),
    hold: {
      on: 'notification',
      event: 'update',
      when: "old.batch_id is null and new.batch_id is not null and new.content->>'subject' <> 'x failed'",
    },
    state: `
      select id, channel, state, reason from notification
      where content->>'subject' <> 'x failed' order by id`,
  },
  // Held by locks of the tables that they read, so they come last.
  {
    name: 'report: usage',
    job: 'report',
    input: () => ({ period: '2013-03', what: ['usage'] }),
  },
  {
    name: 'report: performance',
    job: 'report',
    input: () => ({ period: '2013-02', what: ['performance'] }),
  },
  {
    name: 'maintenance: vacuum',
    job: 'maintenance',
    input: () => ({ task: 'vacuum', tables: ['slow'] }),
    state: "select stanullfrac from pg_statistic where starelid = 'slow_waits'::regclass",
  },
  {
    name: 'maintenance: reindex',
    job: 'maintenance',
    isShort: true,
    input: () => ({ task: 'reindex', tables: ['rail_hold'] }),
    state: `
      select i.relname, x.indisvalid from pg_index x join pg_class i on i.oid = x.indexrelid
      where x.indrelid = 'rail_hold'::regclass order by 1`,
  },
]

/** Rows and files that the jobs leave behind, by job. */
export async function stateAfter(db: Database, home: string): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = { files: await filesAfter(home) }
  for (const { name, state: text } of KILLED_JOBS) {
    if (text !== undefined) state[name] = (await sql.raw(text).execute(db)).rows
  }
  return state
}
