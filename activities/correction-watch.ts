/** The step of `correction-watch`, as Temporal calls it. Thin: the work is in operations. */
import {
  watchCorrections as watchPage,
  type WatchCorrectionsDeps,
} from '../operations/watch-corrections.ts'
import type { Events } from '../platform/events.ts'
import { mapFailures } from './errors.ts'
import { startHeartbeats } from './heartbeats.ts'

/** Requests of the step on the wire at once: far fewer than a tick's, which must not wait for it. */
const LOOK_CONCURRENCY = 4

/** What the step works over. */
export type CorrectionWatchDeps = WatchCorrectionsDeps & {
  readonly events: Pick<Events, 'decisionCorrected'>
}

/** What came of one page. */
export type CorrectionPage = {
  readonly looked: number
  readonly asked: number
  readonly failed: number
  readonly higher: number
  readonly lower: number
  readonly isComplete: boolean
}

/** The activities of `correction-watch`. May be repeated: a correction is kept once. */
export function createCorrectionWatchActivities(deps: CorrectionWatchDeps) {
  return mapFailures({
    /** Looks at the next page of legs whose look has come. */
    async watchCorrections(): Promise<CorrectionPage> {
      using heartbeats = startHeartbeats()
      const { onProgress, signal } = heartbeats
      const page = await watchPage(deps, { concurrency: LOOK_CONCURRENCY, onProgress, signal })
      for (const { legId, bps, correctedBps, policies } of page.corrections) {
        deps.events.decisionCorrected({ legId, bps, correctedBps, policies })
      }
      const { corrections, ...counts } = page
      const higher = corrections.filter(({ bps, correctedBps }) => correctedBps > bps).length
      return { ...counts, higher, lower: corrections.length - higher }
    },
  })
}

/** Types of the activities, for `proxyActivities`. */
export type CorrectionWatchActivities = ReturnType<typeof createCorrectionWatchActivities>
