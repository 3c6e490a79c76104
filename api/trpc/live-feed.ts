/** One reader for all who follow: reads on a cadence while somebody does, and gives each what it read. */
import { setTimeout as sleep } from 'node:timers/promises'

/** What is followed. */
export type LiveFeed<T> = {
  /** Items read from now on, until the signal. Throws FollowerBehindError when they are not taken. */
  follow(signal: AbortSignal): AsyncGenerator<T, void, undefined>
}

/** Whoever follows takes items slower than they come: it must begin again where it stopped. */
export class FollowerBehindError extends Error {
  override readonly name = 'FollowerBehindError'
}

/** What may wait for one follower: some minutes of a busy scheduler, some hundred kB. */
const WAITING_LIMIT = 2_000

type Follower<T> = { readonly waiting: T[]; wake: () => void }

/** The feed over what `read` finds new each time; a read that fails is told and tried again. */
export function createLiveFeed<T>({
  everyMs,
  read,
  onError,
}: {
  readonly everyMs: number
  readonly read: () => Promise<readonly T[]>
  readonly onError: (error: unknown) => void
}): LiveFeed<T> {
  const followers = new Set<Follower<T>>()
  let isTurning = false
  const turn = async (): Promise<void> => {
    while (followers.size > 0) {
      const items = await read().catch((error: unknown) => {
        onError(error)
        return []
      })
      for (const follower of followers) {
        follower.waiting.push(...items)
        if (items.length > 0) follower.wake()
      }
      await sleep(everyMs, undefined, { ref: false })
    }
    isTurning = false
  }
  return {
    follow(signal) {
      const follower: Follower<T> = { waiting: [], wake: () => undefined }
      // At once, not when the first item is asked for: what comes in between is not missed.
      followers.add(follower)
      const leave = () => {
        followers.delete(follower)
        follower.wake()
      }
      signal.addEventListener('abort', leave, { once: true })
      if (signal.aborted) leave()
      if (!isTurning) {
        isTurning = true
        void turn() // handles its own failures
      }
      return itemsOf(follower, signal, leave)
    },
  }
}

async function* itemsOf<T>(
  follower: Follower<T>,
  signal: AbortSignal,
  leave: () => void,
): AsyncGenerator<T, void, undefined> {
  const { waiting } = follower
  try {
    while (!signal.aborted) {
      if (waiting.length > WAITING_LIMIT) throw new FollowerBehindError('too much is waiting')
      const item = waiting.shift()
      if (item === undefined) {
        await new Promise<void>((resolve) => {
          follower.wake = resolve
        })
      } else yield item
    }
  } finally {
    signal.removeEventListener('abort', leave)
    leave()
  }
}
