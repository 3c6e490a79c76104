/** One reader for all who follow. */
import { expect, it } from 'vitest'

import { createLiveFeed, FollowerBehindError } from '../../api/trpc/live-feed.ts'

/** A source that counts its reads and gives what was put into it. */
function source() {
  const given: number[][] = []
  const errors: unknown[] = []
  let reads = 0
  const feed = createLiveFeed<number>({
    everyMs: 1,
    read: async () => {
      reads += 1
      const items = given.shift() ?? []
      if (items.includes(-1)) throw new Error('down')
      return items
    },
    onError: (error) => errors.push(error),
  })
  return { feed, give: (...items: number[]) => given.push(items), errors, reads: () => reads }
}

async function take(items: AsyncGenerator<number>, count: number): Promise<number[]> {
  const taken: number[] = []
  while (taken.length < count) {
    const { value, done } = await items.next()
    if (done === true) return taken
    taken.push(value)
  }
  return taken
}

it('gives the same items to all who follow, by one read', async () => {
  const { feed, give, reads } = source()
  const stop = new AbortController()
  const [a, b] = [feed.follow(stop.signal), feed.follow(stop.signal)]
  give(1, 2)
  expect(await take(a, 2)).toEqual([1, 2])
  const readsBefore = reads()
  expect(await take(b, 2)).toEqual([1, 2])
  expect(reads() - readsBefore).toBeLessThan(3)
  stop.abort()
  expect(await take(a, 1)).toEqual([])
})

it('reads nothing while nobody follows', async () => {
  const { feed, give, reads } = source()
  const stop = new AbortController()
  const items = feed.follow(stop.signal)
  give(1)
  expect(await take(items, 1)).toEqual([1])
  stop.abort()
  expect(await take(items, 1)).toEqual([])
  await expect.poll(reads, { interval: 5 }).toBeGreaterThan(0)
  const settled = await settledReads(reads)
  await new Promise((resolve) => {
    setTimeout(resolve, 20)
  })
  expect(reads()).toBe(settled)
  const again = feed.follow(new AbortController().signal)
  give(2)
  expect(await take(again, 1)).toEqual([2])
})

/** The number of reads once the last turn has ended. */
async function settledReads(reads: () => number): Promise<number> {
  for (let before = -1; ;) {
    const now = reads()
    if (now === before) return now
    before = now
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}

it('goes on after a read that failed, and tells it', async () => {
  const { feed, give, errors } = source()
  const items = feed.follow(new AbortController().signal)
  give(-1)
  give(3)
  expect(await take(items, 1)).toEqual([3])
  expect(errors).toMatchObject([{ message: 'down' }])
})

it.each([
  [2_000, false],
  [2_001, true],
])('with %i items waiting a follower is behind: %s', async (waiting, isBehind) => {
  const { feed, give } = source()
  give(...Array.from({ length: waiting }, (_none, i) => i))
  const first = feed.follow(new AbortController().signal)
  const taken = first.next()
  const outcome = await taken.catch((error: unknown) => error)
  if (isBehind) expect(outcome).toBeInstanceOf(FollowerBehindError)
  else expect(outcome).toEqual({ value: 0, done: false })
})
