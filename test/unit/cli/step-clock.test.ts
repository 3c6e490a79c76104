import { describe, expect, test } from 'vitest'

import { chooseTarget } from '../../../cli/clock/step-clock.ts'
import type { Instant } from '../../../domain/time.ts'
import { MINUTE_MS, parseInstant } from '../../../domain/time.ts'

const at = (text: string): Instant => parseInstant(`2013-02-08T${text}:00Z`)
const dueAt = (instant: Instant | null) => ({ nextDueAt: async () => instant })
const now = at('12:00')
const minMs = 10 * MINUTE_MS

describe('the next moment', () => {
  test('is the first due one', async () => {
    expect(await chooseTarget(dueAt(at('14:30')), now, { minMs })).toBe(at('14:30'))
  })

  test('lies on the two-minute grid, never before what is due', async () => {
    expect(await chooseTarget(dueAt(at('14:31')), now, { minMs })).toBe(at('14:32'))
    const justAfter = parseInstant('2013-02-08T14:30:00.001Z')
    expect(await chooseTarget(dueAt(justAfter), now, { minMs })).toBe(at('14:32'))
  })

  test('is ten minutes on when something is due sooner', async () => {
    expect(await chooseTarget(dueAt(at('12:02')), now, { minMs })).toBe(at('12:10'))
  })

  test('is ten minutes on when something is overdue', async () => {
    expect(await chooseTarget(dueAt(at('09:00')), now, { minMs })).toBe(at('12:10'))
  })

  test('is nowhere when nothing is due any more', async () => {
    expect(await chooseTarget(dueAt(null), now, { minMs })).toBeNull()
  })
})

describe('a wish', () => {
  test('goes exactly there, due or not', async () => {
    expect(await chooseTarget(dueAt(null), now, { minMs, to: at('13:01') })).toBe(at('13:01'))
  })

  test('not to go beyond a moment is kept', async () => {
    const request = { minMs, notAfter: at('13:00') }
    expect(await chooseTarget(dueAt(at('14:30')), now, request)).toBe(at('13:00'))
    expect(await chooseTarget(dueAt(at('12:58')), now, request)).toBe(at('12:58'))
  })

  test('not to go beyond a moment that is past does not turn the clock back', async () => {
    const request = { minMs, notAfter: at('11:00') }
    expect(await chooseTarget(dueAt(at('14:30')), now, request)).toBe(now)
  })
})
