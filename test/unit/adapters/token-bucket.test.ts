/** The client-side rate limit, on a clock of its own. */
import { expect, test } from 'vitest'
import { createTokenBucket } from '../../../adapters/flights/token-bucket.ts'

/** Takes that are granted without waiting, before the first that waits. */
async function grantedAtOnce(ratePerS: number): Promise<number> {
  const bucket = createTokenBucket(ratePerS, () => 0)
  const stop = new AbortController()
  let granted = 0
  const takes = Array.from({ length: ratePerS * 2 }, async () => {
    await bucket.take(stop.signal)
    granted += 1
  })
  await new Promise(setImmediate)
  const atOnce = granted
  stop.abort()
  await Promise.allSettled(takes)
  return atOnce
}

test.each([1, 5, 40])(
  'a rate of %i lets a second’s worth through at once, no more',
  async (rate) => {
    expect(await grantedAtOnce(rate)).toBe(rate)
  },
)

test('a token comes back after its share of a second', async () => {
  let nowMs = 0
  const bucket = createTokenBucket(5, () => nowMs)
  for (let n = 0; n < 5; n += 1) await bucket.take()
  const cancelled = new AbortController()
  cancelled.abort()
  nowMs = 200
  await bucket.take()
  await expect(bucket.take(cancelled.signal)).rejects.toThrow(/abort/i)
})

test('waiting ends with its signal', async () => {
  const bucket = createTokenBucket(0.001, () => 0)
  await bucket.take()
  const stop = new AbortController()
  const waiting = bucket.take(stop.signal)
  stop.abort()
  await expect(waiting).rejects.toThrow(/abort/i)
})

test.each([0, -1, Number.NaN])('a rate of %f is refused', (rate) => {
  expect(() => createTokenBucket(rate)).toThrow(RangeError)
})
