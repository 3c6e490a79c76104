/** Writes the running virtual time down every second, so that a kill loses no more than that. */
import type { ClockStore } from '../../db/stores/clock-store.ts'

const BEAT_MS = 1_000

/** Beats until stopped; `stop` resolves when no beat is under way any more. */
export function startHeartbeat(
  clockStore: ClockStore,
  onNote: (text: string) => void,
): { stop(): Promise<void> } {
  let current: Promise<void> | null = null
  let isFailing = false
  const beat = async (): Promise<void> => {
    try {
      await clockStore.beat()
      isFailing = false
    } catch (error) {
      // Told once: the next beats try again, and a lost database ends `start` by itself.
      if (!isFailing) onNote(`the clock could not be written down: ${String(error)}`)
      isFailing = true
    }
  }
  const timer = setInterval(() => {
    current ??= beat().finally(() => {
      current = null
    })
  }, BEAT_MS)
  return {
    async stop() {
      clearInterval(timer)
      await current
    },
  }
}
