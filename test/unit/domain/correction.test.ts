import { describe, expect, it } from 'vitest'

import { isWorthAnotherLook, judgeCorrection } from '../../../domain/correction.ts'
import {
  arrivalPlus,
  arrived,
  factsAfter,
  HOURS,
  LEG,
  product,
  record,
  seenAt,
  type Answer,
} from './legs.ts'

const RULES = { product: product('FD45'), insuredScheduledIn: LEG.scheduledIn }

describe('another look after the decision', () => {
  it.each([
    [14, false],
    [15, true],
    [74, true],
    [75, false],
    [89, false],
    [90, true],
    [209, true],
    [210, false],
  ])('at an arrival %i minutes late, 30 minutes being the band: %s', (delayMin, isWorth) => {
    const facts = factsAfter(seenAt([delayMin + 1], [arrived(delayMin)]))
    expect(isWorthAnotherLook({ ...RULES, facts })).toBe(isWorth)
  })

  it('is worth it for a flight that was cancelled', () => {
    const facts = factsAfter(seenAt([-300], [record({ cancelled: true })]))
    expect(isWorthAnotherLook({ ...RULES, facts })).toBe(true)
  })
})

describe('a correction', () => {
  const settled = seenAt([41, 101], [arrived(40)])
  const judged = (later: readonly Answer[], decidedBps = 0) => {
    const answers = [...settled, ...later]
    const now = answers.at(-1)?.[0] ?? LEG.scheduledIn
    return judgeCorrection({ leg: LEG, facts: factsAfter(answers), now, ...RULES }, decidedBps)
  }

  it('that is none changes nothing', () => {
    expect(judged(seenAt([400], [arrived(40)]))).toEqual({ kind: 'SAME' })
    expect(judged(seenAt([400], []))).toEqual({ kind: 'SAME' })
  })

  it('within a tier changes nothing', () => {
    expect(judged(seenAt([400, 415], [arrived(35)]))).toEqual({ kind: 'SAME' })
  })

  it('is settled as a first arrival is', () => {
    expect(judged(seenAt([400], [arrived(60)]))).toEqual({ kind: 'WAIT', until: arrivalPlus(415) })
    expect(judged(seenAt([400, 415], [arrived(60)]))).toMatchObject({
      kind: 'HIGHER',
      decision: { outcome: 'PAY', bps: 3_000, delayMin: 60 },
    })
  })

  it('downwards is told apart', () => {
    expect(judged(seenAt([400, 415], [arrived(20)]), 3_000)).toMatchObject({
      kind: 'LOWER',
      decision: { outcome: 'NO_PAY' },
    })
  })

  it('that is not plausible is none', () => {
    const impossible = arrived(26 * HOURS)
    const minutes = [26 * HOURS + 1, 27 * HOURS + 2]
    expect(judged(seenAt(minutes, [impossible]))).toEqual({ kind: 'SAME' })
  })
})
