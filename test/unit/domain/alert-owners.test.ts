/** What may be set of owners of jobs, and when a job counts as late. */
import { describe, expect, it } from 'vitest'

import { channelsOf, isAlertOwners } from '../../../domain/alert-owners.ts'
import { latenessOf, type JobFreshness } from '../../../domain/job-lateness.ts'
import { addMs, HOUR_MS, parseInstant } from '../../../domain/time.ts'
import { allJobs } from '../../../jobs/registry.ts'

const finance = { channels: ['email', 'slack'], email: 'finance@insurer.example' }

describe('owners of jobs', () => {
  it.each([
    { finance },
    { finance: { channels: ['webhook'] } },
    { finance: { email: 'a@b.example' }, 'claims-2': finance },
  ])('may be set to %j', (value) => expect(isAlertOwners(value)).toBe(true))

  it.each([
    null,
    [],
    {},
    { Finance: finance },
    { finance: {} },
    { finance: { channels: [] } },
    { finance: { channels: ['sms'] } },
    { finance: { channels: ['email', 'email'] } },
    { finance: { email: 'a@b.example,c@d.example' } },
    { finance: { email: 'a@b.example', phone: '+12025550100' } },
    Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`team-${index}`, finance])),
  ])('may not be set to %j', (value) => expect(isAlertOwners(value)).toBe(false))

  it('who are not named, or named wrongly, are told by every channel', () => {
    expect(channelsOf('finance', { finance })).toEqual(['email', 'slack'])
    expect(channelsOf('platform', { finance })).toEqual(['email', 'slack', 'webhook'])
    expect(channelsOf('finance', { finance: { channels: ['sms'] } })).toHaveLength(3)
    expect(channelsOf('constructor', { finance })).toHaveLength(3)
  })

  it('of every job of ours can be set', () => {
    for (const { owner } of allJobs()) expect(isAlertOwners({ [owner]: finance })).toBe(true)
  })
})

describe('a job is late', () => {
  const now = parseInstant('2026-03-01T12:00:00Z')
  const ago = (ms: number) => addMs(now, -ms)
  const job: Omit<JobFreshness, 'job'> = {
    isPaused: false,
    watchedSince: ago(9 * HOUR_MS),
    lastPausedAt: null,
    lastSuccessAt: ago(HOUR_MS),
    missing: 0,
  }
  const judge = (change: Partial<typeof job>) =>
    latenessOf({ ...job, ...change }, { now, freshnessMs: HOUR_MS }).kind

  it('when its last success is older than its target, not at the target', () => {
    expect(judge({})).toBe('in-time')
    expect(judge({ lastSuccessAt: ago(HOUR_MS + 1) })).toBe('stale')
  })

  it('when it never succeeded since it was watched for longer than its target', () => {
    const never = { ...job, lastSuccessAt: null }
    const at = (watchedSince: typeof now) =>
      latenessOf({ ...never, watchedSince }, { now, freshnessMs: HOUR_MS }).kind
    expect(at(ago(HOUR_MS))).toBe('in-time')
    expect(at(ago(HOUR_MS + 1))).toBe('stale')
  })

  it('when a time passed without a run, whatever its target', () => {
    expect(latenessOf({ ...job, missing: 1 }, { now, freshnessMs: null })).toEqual({
      kind: 'missing',
      fires: 1,
    })
  })

  it('not for the time that it was paused, nor while it is', () => {
    const old = { lastSuccessAt: ago(5 * HOUR_MS) }
    expect(judge(old)).toBe('stale')
    expect(judge({ ...old, lastPausedAt: ago(HOUR_MS) })).toBe('in-time')
    expect(judge({ ...old, lastPausedAt: ago(HOUR_MS + 1) })).toBe('stale')
    expect(judge({ ...old, missing: 2, isPaused: true })).toBe('unknown')
  })
})
