import { describe, expect, it } from 'vitest'

import { formatUptime } from '../../../api/rest/scheduler-status.ts'

const MINUTE_MS = 60_000

describe('uptime', () => {
  it.each([
    [0, '0d 0h 0m'],
    [MINUTE_MS - 1, '0d 0h 0m'],
    [MINUTE_MS, '0d 0h 1m'],
    [((2 * 24 + 14) * 60 + 32) * MINUTE_MS, '2d 14h 32m'],
    [24 * 60 * MINUTE_MS - 1, '0d 23h 59m'],
    [24 * 60 * MINUTE_MS, '1d 0h 0m'],
    [-5, '0d 0h 0m'],
  ])('of %i ms is %s', (ms, text) => {
    expect(formatUptime(ms)).toBe(text)
  })
})
