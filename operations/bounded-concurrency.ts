/** Runs work over many items, only so many at a time. */

/**
 * Calls `work` for each item, at most `concurrency` at once, and resolves when all are done. The first
 * error (or the signal's reason) stops further items from being started and is thrown after the
 * running ones have ended.
 */
export async function forEachConcurrently<T>(
  items: readonly T[],
  options: { readonly concurrency: number; readonly signal?: AbortSignal | undefined },
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0
  let failure: { readonly error: unknown } | null = null
  async function takeTurns(): Promise<void> {
    while (next < items.length && failure === null) {
      const item = items[next] as T // within bounds, checked above
      next += 1
      try {
        options.signal?.throwIfAborted()
        await work(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  const lanes = Math.min(Math.max(1, options.concurrency), items.length)
  await Promise.all(Array.from({ length: lanes }, takeTurns))
  const failed = failure as { readonly error: unknown } | null // assigned inside the lanes
  if (failed !== null) throw failed.error
}
