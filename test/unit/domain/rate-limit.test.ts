import { describe, expect, test } from 'vitest'

import { callClassOf, lockOutMs } from '../../../domain/rate-limit.ts'

describe('a request counts as', () => {
  test.each([
    ['GET', '/api/admin/scheduler/jobs', 'read'],
    ['HEAD', '/api/policies', 'read'],
    ['POST', '/api/admin/scheduler/jobs', 'job-start'],
    ['POST', '/api/admin/scheduler/jobs/', 'job-start'],
    ['POST', '/API/admin/scheduler/Jobs', 'job-start'],
    ['POST', '/api/admin/scheduler/schedules/cleanup/run', 'job-start'],
    ['POST', '/api/admin/scheduler/schedules/cleanup/backfill', 'job-start'],
    ['POST', '/api/admin/scheduler/dead-letters/redrive', 'job-start'],
    ['POST', '/api/admin/scheduler/schedules/cleanup/disable', 'change'],
    ['DELETE', '/api/admin/scheduler/jobs/cleanup:all', 'change'],
    ['POST', '/api/policies', 'change'],
  ])('%s %s: %s', (method, path, expected) => {
    expect(callClassOf(method, path)).toBe(expected)
  })
})

test('a lock-out is twice as long as the one before, an hour at most', () => {
  const minutes = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((n) => lockOutMs(n) / 60_000)
  expect(minutes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
})
