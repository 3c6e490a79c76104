/** What leaves an activity: a failure with a stable type, retried or not. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common'
import { expect, test } from 'vitest'

import { mapFailures, toFailure } from '../../../activities/errors.ts'

function databaseError(code: string): Error {
  return Object.assign(new Error(`sqlstate ${code}`), { code, severity: 'ERROR' })
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name })
}

test.each([
  [databaseError('23505'), 'DatabaseRefused', true],
  [databaseError('22003'), 'DatabaseRefused', true],
  [databaseError('40001'), 'DatabaseUnavailable', false],
  [databaseError('57P01'), 'DatabaseUnavailable', false],
  [named('PayoutNotFoundError'), 'NotFound', true],
  [named('PaymentLookupError'), 'ProviderUnavailable', false],
  [named('SomethingElseError'), 'Unexpected', false],
  [Object.assign(new Error('socket'), { code: 'EPIPE' }), 'Unexpected', false],
  ['a thrown text', 'Unexpected', false],
])('%s becomes %s, final: %s', (error, type, nonRetryable) => {
  expect(toFailure(error)).toMatchObject({ type, nonRetryable })
})

test('failures of Temporal pass through as they are', () => {
  for (const failure of [ApplicationFailure.nonRetryable('x', 'Own'), new CancelledFailure('x')]) {
    expect(toFailure(failure)).toBe(failure)
  }
})

test('every activity of a family is mapped, and keeps its result', async () => {
  const { good, bad } = mapFailures({
    good: async (input: number) => input + 1,
    bad: async () => Promise.reject(databaseError('23514')),
  })
  expect(await good(1)).toBe(2)
  await expect(bad()).rejects.toMatchObject({ type: 'DatabaseRefused' })
})
