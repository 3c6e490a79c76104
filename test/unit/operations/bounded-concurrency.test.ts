import { expect, test } from 'vitest'

import { forEachConcurrently } from '../../../operations/bounded-concurrency.ts'

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

test('every item is worked on once, never more at once than allowed', async () => {
  let running = 0
  let most = 0
  const seen: number[] = []
  const items = Array.from({ length: 50 }, (_, index) => index)
  await forEachConcurrently(items, { concurrency: 4 }, async (item) => {
    running += 1
    most = Math.max(most, running)
    await tick()
    seen.push(item)
    running -= 1
  })
  expect(most).toBe(4)
  expect(seen.toSorted((a, b) => a - b)).toEqual(items)
})

test('the first error is thrown after the running items ended, and no further item starts', async () => {
  const started: number[] = []
  const ended: number[] = []
  const work = async (item: number): Promise<void> => {
    started.push(item)
    await tick()
    if (item === 1) throw new Error('item 1 failed')
    await tick()
    ended.push(item)
  }
  await expect(forEachConcurrently([0, 1, 2, 3, 4, 5], { concurrency: 2 }, work)).rejects.toThrow(
    'item 1 failed',
  )
  expect(started).toEqual([0, 1])
  expect(ended).toEqual([0])
})

test('an aborted signal lets no item start', async () => {
  const signal = AbortSignal.abort(new Error('stopped'))
  const started: number[] = []
  const work = async (item: number): Promise<void> => {
    started.push(item)
  }
  await expect(forEachConcurrently([1, 2], { concurrency: 2, signal }, work)).rejects.toThrow(
    'stopped',
  )
  expect(started).toEqual([])
})

test('no items are no work', async () => {
  await forEachConcurrently([], { concurrency: 8 }, () => Promise.reject(new Error('not called')))
})
