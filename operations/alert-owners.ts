/**
 * Tells the owners of jobs what their jobs say is to be told: runs that failed, that wait for a person,
 * schedules that are late; and, once, that it is over. May be repeated and stop half-way.
 */
import { ALERTS_OWNERS, channelsOf } from '../domain/alert-owners.ts'
import { latenessOf, type JobFreshness, type Lateness } from '../domain/job-lateness.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { EndedFailure, JobAlertStore, UntoldFailure } from '../domain/ports/job-alert-store.ts'
import type { SettingStore } from '../domain/ports/setting-store.ts'
import { MINUTE_MS, type Instant } from '../domain/time.ts'
import type { AnyJob } from '../jobs/registry.ts'
import {
  notifyOperators,
  type NotifyOperatorsDeps,
  type OperatorMessage,
} from './notify-operators.ts'

/** What alerting works over. */
export type AlertOwnersDeps = NotifyOperatorsDeps & {
  readonly jobAlerts: JobAlertStore
  readonly settingStore: Pick<SettingStore, 'read'>
  readonly jobs: readonly AnyJob[]
  /** Business time, for the audit trail. */
  readonly clock: Clock
  /** Virtual seconds per wall second; 0 while the clock stands. */
  readonly clockSpeed: () => Promise<number>
}

/** Error groups told of in one pass; more are one outage, and the next pass goes on. */
const GROUPS_PER_PASS = 50

/** Tells of runs that died or wait since the last pass, and of those that are made up for. */
export async function alertFailures(deps: AlertOwnersDeps): Promise<void> {
  const untold = await deps.jobAlerts.listUntold(GROUPS_PER_PASS)
  const ended = await deps.jobAlerts.listEnded(GROUPS_PER_PASS)
  if (untold.length === 0 && ended.length === 0) return
  const owners = await deps.settingStore.read(ALERTS_OWNERS)
  for (const failure of untold) {
    const job = deps.jobs.find(({ name }) => name === failure.job)
    // What its job does not want told is only remembered, and so is what is no job any more.
    if (job?.alerts.includes(failure.kind) === true) {
      await tell(deps, job, owners, troubleOf(job, failure))
    }
    await deps.jobAlerts.markTold(failure.runIds)
  }
  for (const failure of ended) {
    const job = deps.jobs.find(({ name }) => name === failure.job)
    await tell(deps, job ?? { name: failure.job, owner: 'operators' }, owners, endOf(failure))
  }
}

/** Tells which of these scheduled jobs are late by wall time, and which are no longer. */
export async function alertLateness(
  deps: AlertOwnersDeps,
  scheduleIds: readonly string[],
  now: Instant,
): Promise<void> {
  const watched = deps.jobs.filter(
    (job) => job.alerts.includes('late') && scheduleIds.includes(job.name),
  )
  const known = await deps.jobAlerts.freshness(watched.map(({ name }) => name))
  const speed = await deps.clockSpeed()
  const owners = await deps.settingStore.read(ALERTS_OWNERS)
  for (const job of watched) {
    const freshness = known.find((one) => one.job === job.name)
    if (freshness === undefined) continue
    const lateness = latenessOf(freshness, { now, freshnessMs: freshnessOf(job, speed) })
    const message = latenessMessage(job, freshness, lateness)
    if (message !== null) await tell(deps, job, owners, message)
  }
}

/** The target in wall time. A slow clock fires later; one that stands fires nothing in business time. */
function freshnessOf({ slo, schedule }: AnyJob, speed: number): number | null {
  if (slo.freshnessMs === undefined || schedule === undefined) return null
  const isWall = schedule.kind === 'interval' && schedule.pace === 'wall'
  if (isWall || speed >= 1) return slo.freshnessMs
  return speed === 0 ? null : slo.freshnessMs / speed
}

type Owned = Pick<AnyJob, 'name' | 'owner'>

async function tell(
  deps: AlertOwnersDeps,
  { name, owner }: Owned,
  owners: unknown,
  message: OperatorMessage,
): Promise<void> {
  await notifyOperators(deps, {
    ...message,
    to: { owner, channels: channelsOf(owner, owners) },
    audit: { at: await deps.clock.now(), subject: `job:${name}` },
  })
}

function troubleOf(job: AnyJob, failure: UntoldFailure): OperatorMessage {
  const { kind, groupId, errorType, runs, workflowId, diedAt } = failure
  const isParked = kind === 'parked'
  const many = runs === 1 ? 'a run' : `${runs} runs`
  const what = isParked ? 'waits for a person' : `failed: ${errorType}`
  return {
    key: `job:${job.name}:${kind}:${groupId}`,
    severity: isParked ? 'critical' : 'warning',
    subject: `${job.name} ${what}`,
    text:
      `${many} of ${job.name} ${isParked ? 'wait' : 'failed'}: ${failure.message}\n\n` +
      `The first is ${workflowId}, at ${diedAt}. ` +
      `See \`groundstop dead-letters list --job ${job.name}\`; what to do is in ${job.runbook}.`,
  }
}

function endOf({ job, kind, groupId, errorType, message }: EndedFailure): OperatorMessage {
  return {
    key: `job:${job}:${kind}:${groupId}`,
    severity: 'recovered',
    subject: kind === 'parked' ? `no ${job} waits any more` : `${job} is over ${errorType}`,
    text:
      `Nothing of this is open any more: ${message}\n\n` +
      'A later run succeeded, or people had them done again or put them aside.',
  }
}

function latenessMessage(
  job: AnyJob,
  { lastSuccessAt }: JobFreshness,
  lateness: Lateness,
): OperatorMessage | null {
  const key = `job:${job.name}:late`
  switch (lateness.kind) {
    case 'unknown':
      return null
    case 'in-time': {
      const text = `The last run that succeeded began at ${lastSuccessAt ?? 'no time yet'}.`
      return { key, severity: 'recovered', subject: `${job.name} runs in time again`, text }
    }
    case 'missing':
    case 'stale': {
      const why =
        lateness.kind === 'missing'
          ? `${lateness.fires} of its times passed without a run`
          : `no run has succeeded for ${Math.floor(lateness.ageMs / MINUTE_MS)} min`
      return {
        key,
        severity: 'warning',
        subject: `${job.name} is late`,
        text:
          `${job.name} is late: ${why}. The last that succeeded began at ${lastSuccessAt ?? 'no time yet'}.\n\n` +
          `See \`groundstop schedules show ${job.name}\`; what to do is in ${job.runbook}.`,
      }
    }
  }
}
