import { expect, test } from 'vitest'

import {
  batchSizeOf,
  keptDays,
  planCuts,
  RETENTION,
  RETENTION_CLASSES,
} from '../../domain/retention.ts'
import { parseInstant } from '../../domain/time.ts'

const NOW = {
  business: parseInstant('2013-03-01T00:00:00Z'),
  wall: parseInstant('2026-03-01T00:00:00Z'),
}

test('keeps by default, by the setting when there is one, as asked before both', () => {
  expect(keptDays('quotes', null, undefined)).toBe(90)
  expect(keptDays('quotes', { quotes: 40 }, undefined)).toBe(40)
  expect(keptDays('quotes', { quotes: 40 }, 20)).toBe(20)
})

test('never keeps shorter than the least, whoever asks', () => {
  expect(keptDays('quotes', null, 7)).toBe(7)
  expect(keptDays('quotes', null, 6)).toBe(7)
  expect(keptDays('holder-messages', { 'holder-messages': 1 }, undefined)).toBe(365)
})

test.each(['soon', 0, -1, 1.5, 36_501, null])(
  'a setting of %j days is as if it were not set',
  (days) => {
    expect(keptDays('quotes', { quotes: days }, undefined)).toBe(90)
  },
)

test.each(['x', 7, null, [], { logs: 5 }])('a setting %j says nothing of quotes', (settings) => {
  expect(keptDays('quotes', settings, undefined)).toBe(90)
})

test('counts days on the clock of the class', () => {
  const cuts = planCuts({ olderThanDays: 28 }, null, NOW)
  const before = Object.fromEntries(cuts.map((cut) => [cut.class, cut.before]))
  expect(before['quotes']).toBe('2013-02-01T00:00:00.000Z')
  expect(before['idempotent-requests']).toBe('2026-02-01T00:00:00.000Z')
})

test('goes through every class when no part is named, else through those of the parts', () => {
  expect(planCuts({}, null, NOW).map((cut) => cut.class)).toEqual(RETENTION_CLASSES)
  const some = planCuts({ what: ['files', 'logs'] }, null, NOW)
  expect(some.map((cut) => cut.class)).toEqual(['files', 'logs', 'run-logs'])
})

test('notices go after the messages that told them', () => {
  const order = RETENTION_CLASSES.indexOf('operator-notices')
  expect(order).toBeGreaterThan(RETENTION_CLASSES.indexOf('operator-messages'))
})

test('no default is below its least', () => {
  for (const { days, leastDays } of Object.values(RETENTION)) {
    expect(days).toBeGreaterThanOrEqual(leastDays)
  }
})

test('a batch is a thousand, or as set within its range', () => {
  expect(batchSizeOf(null)).toBe(1_000)
  expect(batchSizeOf('many')).toBe(1_000)
  expect(batchSizeOf(99)).toBe(100)
  expect(batchSizeOf(100)).toBe(100)
  expect(batchSizeOf(10_000)).toBe(10_000)
  expect(batchSizeOf(10_001)).toBe(10_000)
})
