import { describe, expect, test } from 'vitest'

import {
  canMoveReview,
  REVIEW_TRANSITIONS,
  type ReviewState,
} from '../../../domain/review-state.ts'

const STATES = Object.keys(REVIEW_TRANSITIONS) as ReviewState[]

describe('the states of a review case', () => {
  test('lead from a resolved case nowhere', () => {
    expect(REVIEW_TRANSITIONS.RESOLVED).toEqual([])
  })

  test('lead from every other one to the end, and never to themselves', () => {
    for (const from of STATES) {
      expect(canMoveReview(from, from)).toBe(false)
      expect(canMoveReview(from, 'RESOLVED')).toBe(from !== 'RESOLVED')
    }
  })

  test('keep a case that was handed up from those below', () => {
    expect(canMoveReview('ESCALATED', 'OPEN')).toBe(false)
  })
})
