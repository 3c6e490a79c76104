/** Many requests share a clock reading, and none gets one that is older than its question. */
import { expect, test } from 'vitest'
import type { Instant } from '../../../domain/time.ts'
import { instantFromMs } from '../../../domain/time.ts'
import { coalesceReads } from '../../../simulator/coalesced-clock.ts'

/** A clock whose readings are answered by hand. */
function slowClock() {
  const pending: PromiseWithResolvers<Instant>[] = []
  return {
    pending,
    clock: coalesceReads({
      now() {
        const reading = Promise.withResolvers<Instant>()
        pending.push(reading)
        return reading.promise
      },
    }),
  }
}

const settle = () => new Promise(setImmediate)

test('questions asked during a reading wait for the next one, which they share', async () => {
  const { clock, pending } = slowClock()
  const first = clock.now()
  await settle()
  const later = [clock.now(), clock.now(), clock.now()]
  await settle()
  expect(pending).toHaveLength(1)
  pending[0]?.resolve(instantFromMs(1_000))
  await settle()
  expect(pending).toHaveLength(2)
  pending[1]?.resolve(instantFromMs(2_000))
  expect(await first).toBe(instantFromMs(1_000))
  expect(await Promise.all(later)).toEqual(later.map(() => instantFromMs(2_000)))
})

test('a reading that failed is not the answer of those who asked later', async () => {
  const { clock, pending } = slowClock()
  const first = clock.now()
  await settle()
  const second = clock.now()
  pending[0]?.reject(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  await settle()
  pending[1]?.resolve(instantFromMs(2_000))
  expect(await second).toBe(instantFromMs(2_000))
})
