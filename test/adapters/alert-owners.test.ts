/** Trouble of jobs reaches their owners over real mail and HTTP, once, and so does its end. */
import { randomUUID } from 'node:crypto'

import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { createSlackNotifier } from '../../adapters/notify/slack.ts'
import { createSmtpNotifier } from '../../adapters/notify/smtp.ts'
import { createWebhookNotifier } from '../../adapters/notify/webhook.ts'
import { createDeadLetterStore } from '../../db/stores/dead-letter-store.ts'
import { createExplanationSource } from '../../db/stores/explanation-source.ts'
import { createJobAlertStore } from '../../db/stores/job-alert-store.ts'
import { createNotificationStore } from '../../db/stores/notification-store.ts'
import { createOperatorNoticeStore } from '../../db/stores/operator-notice-store.ts'
import { createRunStore } from '../../db/stores/run-store.ts'
import { createScheduleWatchStore } from '../../db/stores/schedule-watch-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { ALERTS_OWNERS } from '../../domain/alert-owners.ts'
import type { Notifiers } from '../../domain/ports/notifier.ts'
import type { RunEnd, RunRecord } from '../../domain/run.ts'
import {
  addMs,
  DAY_MS,
  HOUR_MS,
  instantFromMs,
  MINUTE_MS,
  type Instant,
} from '../../domain/time.ts'
import { allJobs, findJob } from '../../jobs/registry.ts'
import {
  alertFailures,
  alertLateness,
  type AlertOwnersDeps,
} from '../../operations/alert-owners.ts'
import { relayNotifications } from '../../operations/relay-notifications.ts'
import { sendNotifications } from '../../operations/send-notifications.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { startMailServer, type RunningMailServer } from '../../simulator/mail/mail-server.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startRecorder, type Recorder } from '../support/http-recorder.ts'

const NOW = instantFromMs(Date.now())
const clock = createSystemClock()

let database: TestDatabase
let mail: RunningMailServer
let slack: Recorder
let webhook: Recorder
let notifiers: Notifiers

beforeAll(async () => {
  database = await createTestDatabase()
  mail = await startMailServer({ host: '127.0.0.1', port: 0, smtpPort: 0, keep: 100 })
  slack = await startRecorder()
  webhook = await startRecorder()
  slack.answer({ status: 200, body: 'ok' })
  webhook.answer({ status: 204 })
  const from = 'notices@insurer.example'
  notifiers = {
    email: createSmtpNotifier({ url: mail.smtpUrl, from, operators: 'ops@insurer.example' }),
    slack: createSlackNotifier({ url: `${slack.url}/services/x` }),
    webhook: createWebhookNotifier({
      url: `${webhook.url}/hook`,
      secrets: () => ['a secret of the webhook'],
      wallClock: clock,
    }),
  }
})
afterAll(async () => {
  for (const notifier of Object.values(notifiers)) await notifier[Symbol.asyncDispose]()
  await slack[Symbol.asyncDispose]()
  await webhook[Symbol.asyncDispose]()
  await mail[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})
afterEach(async () => {
  await sql`truncate notification, operator_notice, dead_letter, error_group, job_run, job_run_kind,
    schedule_watch, schedule_gap, setting cascade`.execute(database.db)
})

function deps(change: Partial<AlertOwnersDeps> = {}): AlertOwnersDeps {
  return {
    jobAlerts: createJobAlertStore(database.db),
    operatorNoticeStore: createOperatorNoticeStore(database.db),
    settingStore: createSettingStore(database.db),
    jobs: allJobs(),
    clock,
    clockSpeed: async () => 1,
    ...change,
  }
}

const setOwners = (value: unknown) =>
  createSettingStore(database.db).write(ALERTS_OWNERS, value, 'user:ana')

function run(job: string, change: Partial<RunRecord> = {}): RunRecord {
  const startedAt = change.startedAt ?? NOW
  return {
    ...{ runId: randomUUID(), workflowId: `${job}:${randomUUID()}`, job, status: 'failed' },
    ...{ state: null, trigger: 'schedule', priority: 'LOW', queue: 'reports' },
    ...{ scheduleId: job, nominalAt: startedAt, requestedAt: startedAt, startedAt },
    ...{ closedAt: addMs(startedAt, 1_000), isStuck: false },
    ...change,
  }
}

const END: RunEnd = {
  ...{ type: 'DatabaseUnavailable', message: 'pool 12 is gone', version: 'b1' },
  ...{ nextRunId: null, isDead: true },
}

async function die(job: string, end: Partial<RunEnd> = {}, change: Partial<RunRecord> = {}) {
  const record = run(job, change)
  const store = createRunStore(database.db)
  await store.save([record])
  await store.saveEnds([{ runId: record.runId, ...END, ...end }])
  return record
}

async function succeed(job: string, startedAt: Instant): Promise<void> {
  await createRunStore(database.db).save([run(job, { status: 'success', startedAt })])
  await createDeadLetterStore(database.db).sweep(allJobs().map(({ name }) => name))
}

/** Who got which subject, since the last look; through the relay and a batch, as any message. */
async function told(): Promise<string[]> {
  const store = { notificationStore: createNotificationStore(database.db, null) }
  const explanations = createExplanationSource(database.db)
  const batches: string[] = []
  const startBatch = async (batchId: string): Promise<void> => void batches.push(batchId)
  await relayNotifications(
    { ...deps(), ...store, notifiers, clock, startBatch },
    { passId: randomUUID(), attempt: 1 },
  )
  const before = {
    mail: (await mails()).length,
    slack: slack.requests.length,
    hook: webhook.requests.length,
  }
  for (const batchId of batches) {
    await sendNotifications({ ...store, explanations, notifiers, attemptsAtMost: 1 }, batchId)
  }
  const received = await mails()
  return [
    ...received
      .slice(0, received.length - before.mail)
      .map(({ to, subject }) => `${to} ${subject}`),
    ...slack.requests.slice(before.slack).map(({ text }) => `slack ${titleOf(text, 'text')}`),
    ...webhook.requests.slice(before.hook).map(({ text }) => `webhook ${titleOf(text, 'subject')}`),
  ].toSorted()
}

function titleOf(body: string, field: string): string {
  const parsed = JSON.parse(body) as Record<string, string>
  return (parsed[field] ?? '').split('\n')[0]?.replaceAll('*', '') ?? ''
}

async function mails(): Promise<readonly { to: string; subject: string; text: string }[]> {
  const response = await fetch(`${mail.url}/messages`)
  const { messages } = (await response.json()) as {
    messages: { to: string[]; subject: string; text: string }[]
  }
  return messages.map((one) => ({ ...one, to: one.to.join() }))
}

describe('a run that failed', () => {
  test('is told to every operator by every channel while nobody set who its owner is', async () => {
    await die('maintenance')
    await alertFailures(deps())
    const subject = '[warning] maintenance failed: DatabaseUnavailable'
    expect(await told()).toEqual([
      `ops@insurer.example ${subject}`,
      `slack ${subject}`,
      `webhook ${subject}`,
    ])
    const [newest] = await mails()
    expect(newest?.text).toContain('pool <n> is gone')
    expect(newest?.text).toContain('docs/runbooks/maintenance.md')
  })

  test("is told to its job's owner alone, by the owner's channels and address", async () => {
    await setOwners({
      finance: { channels: ['email', 'slack'], email: 'finance@insurer.example' },
      platform: { channels: ['webhook'] },
    })
    await die('report')
    await die('maintenance')
    await alertFailures(deps())
    expect(await told()).toEqual([
      'finance@insurer.example [warning] report failed: DatabaseUnavailable',
      'slack [warning] report failed: DatabaseUnavailable',
      'webhook [warning] maintenance failed: DatabaseUnavailable',
    ])
  })

  test('is told once for all that read the same, and beside one that reads otherwise', async () => {
    await setOwners({ platform: { channels: ['email'] } })
    await die('maintenance')
    await die('maintenance', { message: 'pool 13 is gone' })
    await alertFailures(deps())
    await die('maintenance', { message: 'pool 14 is gone' })
    await die('maintenance', { type: 'Timeout', message: null })
    await alertFailures(deps())
    await alertFailures(deps())
    expect(await told()).toEqual([
      'ops@insurer.example [warning] maintenance failed: DatabaseUnavailable',
      'ops@insurer.example [warning] maintenance failed: Timeout',
    ])
  })

  test('is told again after an hour only when another has failed', async () => {
    await setOwners({ platform: { channels: ['email'] } })
    await die('maintenance')
    await alertFailures(deps())
    expect(await told()).toHaveLength(1)
    await sql`update operator_notice set told_at = now() - interval '61 minutes'`.execute(
      database.db,
    )
    await alertFailures(deps())
    expect(await told()).toEqual([])
    await die('maintenance')
    await alertFailures(deps())
    expect(await told()).toHaveLength(1)
  })

  test('is not told of a job that wants only lateness told', async () => {
    await die('provider-health-check')
    await alertFailures(deps())
    expect(await told()).toEqual([])
  })

  test('is told when the process died between telling and remembering, and not twice', async () => {
    await setOwners({ platform: { channels: ['email'] } })
    await die('maintenance')
    const broken = {
      ...createJobAlertStore(database.db),
      markTold: async (): Promise<void> => {
        throw new Error('the machine dies')
      },
    }
    await expect(alertFailures(deps({ jobAlerts: broken }))).rejects.toThrow('the machine dies')
    await alertFailures(deps())
    expect(await told()).toHaveLength(1)
  })
})

describe('a run that waits for a person', () => {
  test('is told to the owner as critical, and again when it waits once more', async () => {
    await setOwners({ finance: { channels: ['email'], email: 'finance@insurer.example' } })
    const parked = run('payout', { status: 'running', state: 'parked', closedAt: null })
    const [runs, letters] = [createRunStore(database.db), createDeadLetterStore(database.db)]
    await runs.save([parked])
    await letters.sweep([])
    await alertFailures(deps())
    const waits = 'finance@insurer.example [CRITICAL] payout waits for a person'
    expect(await told()).toEqual([waits])
    await runs.save([{ ...parked, state: null }])
    await letters.sweep([])
    await alertFailures(deps())
    expect(await told()).toEqual(['finance@insurer.example [recovered] no payout waits any more'])
    await runs.save([parked])
    await sql`update dead_letter set resolved_at = now() - interval '5 minutes'`.execute(
      database.db,
    )
    await letters.sweep([])
    await alertFailures(deps())
    expect(await told()).toEqual([waits])
  })
})

describe('that it is over', () => {
  const over = 'ops@insurer.example [recovered] maintenance is over DatabaseUnavailable'

  test('is told once when the job has succeeded again, not before', async () => {
    await setOwners({ platform: { channels: ['email'] } })
    await die('maintenance')
    await alertFailures(deps())
    await told()
    await alertFailures(deps())
    expect(await told()).toEqual([])
    await succeed('maintenance', addMs(NOW, MINUTE_MS))
    await alertFailures(deps())
    await alertFailures(deps())
    expect(await told()).toEqual([over])
  })

  test('is told of a redriven run when that has closed, not while it is open', async () => {
    await setOwners({ platform: { channels: ['email'] } })
    const { runId } = await die('maintenance')
    await alertFailures(deps())
    await told()
    const letters = createDeadLetterStore(database.db)
    const note = { by: 'user:ana', reason: 'mended', at: NOW }
    await letters.claim(runId, note)
    const again = run('maintenance', { status: 'running', closedAt: null, scheduleId: null })
    const { workflowId } = again
    await letters.redriven(runId, { workflowId, runId: again.runId, input: 'same' }, note)
    await createRunStore(database.db).save([again])
    await sql`update dead_letter set resolved_at = now() - interval '1 minute'`.execute(database.db)
    await sql`update operator_notice set opened_at = now() - interval '2 minutes'`.execute(
      database.db,
    )
    await alertFailures(deps())
    expect(await told()).toEqual([])
    const closedAt = addMs(NOW, 1_000)
    await createRunStore(database.db).save([{ ...again, status: 'success', closedAt }])
    await alertFailures(deps())
    expect(await told()).toEqual([over])
  })

  test('is not told of what was never told', async () => {
    await succeed('maintenance', NOW)
    await alertFailures(deps())
    expect(await told()).toEqual([])
  })

  test('and that there was trouble is in the audit trail, without an address', async () => {
    await setOwners({ platform: { channels: ['email'], email: 'p@insurer.example' } })
    await die('maintenance')
    await alertFailures(deps())
    await succeed('maintenance', addMs(NOW, MINUTE_MS))
    await alertFailures(deps())
    const { rows } = await sql<{ action: string; actor: string; details: Record<string, unknown> }>`
      select action, actor, details from audit_event where subject = 'job:maintenance'
      order by seq desc limit 2`.execute(database.db)
    expect(rows).toMatchObject([
      { action: 'alert.recovered', actor: 'system' },
      { action: 'alert.told', details: { to: 'platform', channels: ['email'] } },
    ])
    expect(JSON.stringify(rows)).not.toContain('@')
  })
})

describe('a job that is late', () => {
  const jobs = ['reconciliation']
  const spec = { everyMs: HOUR_MS, wall: null }
  const finance = 'finance@insurer.example'

  async function watched(change: { isPaused?: boolean; missing?: Instant } = {}): Promise<void> {
    await setOwners({ finance: { channels: ['email'], email: finance } })
    const { isPaused = false, missing } = change
    await createScheduleWatchStore(database.db).mark(
      {
        scheduleId: 'reconciliation',
        spec: { ...spec, mayOverlap: false, jitterMs: 0, catchUpMs: HOUR_MS },
        ...{ isPaused, checkedUntil: NOW },
      },
      missing === undefined
        ? []
        : [{ nominalAt: missing, kind: 'missing', causeRunId: null, latenessMs: null }],
      addMs(NOW, -10 * MINUTE_MS),
    )
    await sql`update schedule_watch set created_at = ${addMs(NOW, -3 * DAY_MS)}`.execute(
      database.db,
    )
  }
  const look = (change: Partial<AlertOwnersDeps> = {}) => alertLateness(deps(change), jobs, NOW)

  test('is told to its owner when a time passed without a run, and when it runs again', async () => {
    await watched({ missing: addMs(NOW, -HOUR_MS) })
    await succeed('reconciliation', addMs(NOW, -2 * HOUR_MS))
    await look()
    await look()
    expect(await told()).toEqual([`${finance} [warning] reconciliation is late`])
    await succeed('reconciliation', addMs(NOW, -MINUTE_MS))
    await look()
    expect(await told()).toEqual([`${finance} [recovered] reconciliation runs in time again`])
  })

  test('is told when its last success is older than its target, not at the target', async () => {
    const targetMs = findJob('reconciliation')?.slo.freshnessMs ?? 0
    await watched()
    await succeed('reconciliation', addMs(NOW, -targetMs))
    await look()
    expect(await told()).toEqual([])
    await sql`update job_run set started_at = started_at - interval '1 millisecond'`.execute(
      database.db,
    )
    await look({ clockSpeed: async () => 0 })
    await look({ clockSpeed: async () => 0.5 })
    expect(await told()).toEqual([])
    await look()
    expect(await told()).toEqual([`${finance} [warning] reconciliation is late`])
  })

  test('is not told while an operator has paused it, nor that it is over', async () => {
    await watched({ missing: addMs(NOW, -HOUR_MS) })
    await look()
    expect(await told()).toHaveLength(1)
    await watched({ isPaused: true })
    await look()
    expect(await told()).toEqual([])
  })
})
