import { describe, expect, test } from 'vitest'

import type { AgedThings } from '../../domain/ports/aged-things.ts'
import { parseInstant } from '../../domain/time.ts'
import { removeAged } from '../../operations/remove-aged.ts'

const BEFORE = parseInstant('2026-01-01T00:00:00Z')
const QUICK_MS = 10
const MEDIUM_MS = 100
const LONG_MS = 300

/** So many things to remove; each batch takes as long as `msOf` says of its size. Notes the sizes. */
function thingsTaking(msOf: (size: number) => number, amount: number) {
  const sizes: number[] = []
  let left = amount
  let nowMs = 0
  const things: AgedThings = {
    count: () => Promise.resolve({ items: left, bytes: left }),
    removeBatch: (_before, limit) => {
      sizes.push(limit)
      nowMs += msOf(limit)
      const items = Math.min(left, limit)
      left -= items
      return Promise.resolve({ items, bytes: items })
    },
  }
  return { things, sizes, monotonicMs: () => nowMs }
}

async function sizesTaking(msOf: (size: number) => number, batchSize: number): Promise<number[]> {
  const { things, sizes, monotonicMs } = thingsTaking(msOf, 1_000_000)
  await removeAged(things, { before: BEFORE, batchSize }, { maxBatches: 5, monotonicMs })
  return sizes
}

describe('batches', () => {
  test('that take long are followed by smaller ones, down to a hundred', async () => {
    expect(await sizesTaking(() => LONG_MS, 1_000)).toEqual([1_000, 500, 250, 125, 100])
  })

  test('that take neither long nor little stay as they are', async () => {
    expect(await sizesTaking(() => MEDIUM_MS, 1_000)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000])
  })

  test('begin at a thousand and grow to what is allowed while they are quick', async () => {
    expect(await sizesTaking(() => QUICK_MS, 10_000)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000])
  })

  test('never grow beyond what is allowed, nor shrink below it when it is less than a hundred', async () => {
    expect(await sizesTaking(() => QUICK_MS, 1_000)).toEqual([1_000, 1_000, 1_000, 1_000, 1_000])
    expect(await sizesTaking(() => LONG_MS, 10)).toEqual([10, 10, 10, 10, 10])
  })

  test('find the size that fits when their time grows with it', async () => {
    const sizes = await sizesTaking((size) => size / 5, 10_000)
    expect(sizes).toEqual([1_000, 1_000, 1_000, 1_000, 1_000])
    expect(await sizesTaking((size) => size / 50, 10_000)).toEqual([
      1_000, 2_000, 4_000, 4_000, 4_000,
    ])
  })

  test('end with the first that is not full, also after a smaller one', async () => {
    const { things, sizes, monotonicMs } = thingsTaking(() => LONG_MS, 1_700)
    const plan = { before: BEFORE, batchSize: 1_000 }
    const done = await removeAged(things, plan, { maxBatches: 20, monotonicMs })
    expect(done).toEqual({ items: 1_700, bytes: 1_700, isComplete: true })
    expect(sizes).toEqual([1_000, 500, 250])
  })
})
