import { describe, expect, test } from 'vitest'

import {
  ABSENCE_GAP_MS,
  isAbsenceProven,
  nextStep,
  RESEND_LIMIT_MS,
  STORED_ERROR_LIMIT,
} from '../../../domain/payout-resolution.ts'
import { addMs, parseInstant } from '../../../domain/time.ts'

const startedAt = parseInstant('2013-02-08T20:00:00.000Z')
const fresh = { startedAt, serverErrors: 0, absentSince: null }

describe('the next step of an unanswered attempt', () => {
  test('is to send again just before its key may be forgotten', () => {
    expect(nextStep(fresh, addMs(startedAt, RESEND_LIMIT_MS - 1))).toBe('resend')
  })

  test('is a look-up when its key may be forgotten', () => {
    expect(nextStep(fresh, addMs(startedAt, RESEND_LIMIT_MS))).toBe('look-up')
  })

  test('is to send again after one server error less than make it a stored one', () => {
    const attempt = { ...fresh, serverErrors: STORED_ERROR_LIMIT - 1 }
    expect(nextStep(attempt, startedAt)).toBe('resend')
  })

  test('is a look-up when the server error is taken as stored', () => {
    expect(nextStep({ ...fresh, serverErrors: STORED_ERROR_LIMIT }, startedAt)).toBe('look-up')
  })

  test('stays a look-up once one found nothing, even on a clock set back', () => {
    expect(nextStep({ ...fresh, absentSince: startedAt }, startedAt)).toBe('look-up')
  })
})

describe('the absence of a transfer', () => {
  test('is not proven by a first look-up', () => {
    expect(isAbsenceProven(fresh, addMs(startedAt, RESEND_LIMIT_MS))).toBe(false)
  })

  test('is not proven by two look-ups less than the gap apart', () => {
    const attempt = { ...fresh, absentSince: startedAt }
    expect(isAbsenceProven(attempt, addMs(startedAt, ABSENCE_GAP_MS - 1))).toBe(false)
  })

  test('is proven by two look-ups the gap apart', () => {
    const attempt = { ...fresh, absentSince: startedAt }
    expect(isAbsenceProven(attempt, addMs(startedAt, ABSENCE_GAP_MS))).toBe(true)
  })
})
