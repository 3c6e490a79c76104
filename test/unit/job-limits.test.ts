import { expect, test } from 'vitest'
import { z } from 'zod'

import { JOBS_LIMITS, limitsInForce, type JobLimits } from '../../domain/job-limits.ts'
import { findSetting, isWithinBounds } from '../../domain/settings.ts'
import { defineJob, JobDefinitionError } from '../../jobs/define-job.ts'

const declared = { concurrent: 2, perMinute: 30 }

test('what a job declares holds while nobody has set anything', () => {
  expect(limitsInForce('report', declared, null)).toEqual({ concurrent: 2, startEveryMs: 2_000 })
})

test('the setting replaces the limit that it names and leaves the other', () => {
  const setting = { report: { concurrent: 5 } }
  expect(limitsInForce('report', declared, setting)).toEqual({ concurrent: 5, startEveryMs: 2_000 })
})

test('null lifts a limit', () => {
  const setting = { report: { perMinute: null } }
  expect(limitsInForce('report', declared, setting)).toEqual({ concurrent: 2, startEveryMs: null })
})

test('what was written past the doors and is out of bounds leaves what is declared', () => {
  const setting = { report: { concurrent: 0 } }
  expect(limitsInForce('report', declared, setting)).toEqual({ concurrent: 2, startEveryMs: 2_000 })
})

const spec = findSetting(JOBS_LIMITS)

test.each([
  { report: { concurrent: 1 } },
  { report: { concurrent: 1_000, perMinute: 1 } },
  { maintenance: { perMinute: 6_000 }, report: {} },
])('the setting takes %j', (value) => {
  expect(spec !== undefined && isWithinBounds(value, spec.bounds)).toBe(true)
})

test.each([
  {},
  null,
  [],
  { report: { concurrent: 0 } },
  { report: { concurrent: 1_001 } },
  { report: { perMinute: 0 } },
  { report: { perMinute: 6_001 } },
  { report: { concurrent: 1.5 } },
  { report: { perHour: 1 } },
  { payout: { concurrent: 1 } },
])('the setting refuses %j', (value) => {
  expect(spec !== undefined && isWithinBounds(value, spec.bounds)).toBe(false)
})

function declare(limits: JobLimits) {
  return defineJob({
    name: 'a-job',
    summary: 's',
    description: 'd',
    input: z.strictObject({}),
    result: z.strictObject({}),
    queue: 'reports',
    priority: 'LOW',
    retry: { attempts: 1 },
    timeoutMs: 1_000,
    workflowKey: () => 'all',
    onConflict: { whileOpen: 'join', afterClose: 'again' },
    limits,
    onExhausted: 'fail',
    slo: {},
    owner: 'platform',
    alerts: [],
    histories: [],
  })
}

test('a job may declare a cap of 1, and none of 0', () => {
  expect(declare({ concurrent: 1 }).limits).toEqual({ concurrent: 1 })
  expect(() => declare({ concurrent: 0 })).toThrow(JobDefinitionError)
})
