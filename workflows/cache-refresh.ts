/** One refresh: its parts side by side, each of which fails alone and says so. */
import { ApplicationFailure } from '@temporalio/common'
import {
  ActivityFailure,
  isCancellation,
  patched,
  proxyActivities,
  setCurrentDetails,
  workflowInfo,
} from '@temporalio/workflow'

import type { CacheRefreshActivities } from '../activities/cache-refresh.ts'
import {
  CACHE_PARTS,
  type CachePart,
  type CacheRefreshInput,
  type CacheRefreshResult,
} from '../jobs/cache-refresh.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

const { refreshFlights, refreshWeather, refreshAirports, lookAtTimetable } =
  proxyActivities<CacheRefreshActivities>({
    // Twice this and a wait fit into the run's ten minutes.
    startToCloseTimeout: '4 minutes',
    heartbeatTimeout: '30 seconds',
    retry: { ...STEP_RETRY, maximumAttempts: 2 },
  })
const { removeExpiredEntries } = proxyActivities<CacheRefreshActivities>(SHORT_STEP)

type Counts = {
  readonly wanted: number
  readonly refreshed: number
  readonly failed: number
  readonly error: string | null
}
type PartResult = CacheRefreshResult['parts'][number]

/** Refreshes. Fails when no part did anything of what it was to do. */
export async function cacheRefresh(input: CacheRefreshInput): Promise<CacheRefreshResult> {
  const { workflowId, firstExecutionRunId } = workflowInfo()
  const claimedBy = `${workflowId}/${firstExecutionRunId}`
  const carryOut: Readonly<Record<CachePart, () => Promise<Counts>>> = {
    flights: () => refreshFlights({ claimedBy }),
    weather: refreshWeather,
    airports: refreshAirports,
    expired: async () => {
      const { removed } = await removeExpiredEntries()
      return { wanted: removed, refreshed: removed, failed: 0, error: null }
    },
    // A claim of its own: each part gives back what it holds.
    timetable: () => lookAtTimetable({ claimedBy: `${claimedBy}/timetable` }),
  }
  // Runs from before know four parts.
  const hasTimetable = patched('2026-11-timetable')
  const wanted = CACHE_PARTS.filter(
    (part) => (input.parts?.includes(part) ?? true) && (part !== 'timetable' || hasTimetable),
  )
  const parts = await Promise.all(wanted.map((part) => runPart(part, carryOut[part])))
  setCurrentDetails(parts.map(describe).join('\n'))
  if (parts.every(({ state }) => state === 'failed')) throw allFailed(parts)
  return { parts }
}

async function runPart(part: CachePart, carryOut: () => Promise<Counts>): Promise<PartResult> {
  try {
    const { wanted, refreshed, failed, error } = await carryOut()
    const state = failed === 0 ? 'done' : refreshed === 0 ? 'failed' : 'partly'
    return { part, state, wanted, refreshed, failed, error }
  } catch (error) {
    if (isCancellation(error)) throw error
    return { part, state: 'failed', wanted: 0, refreshed: 0, failed: 0, error: reasonOf(error) }
  }
}

/** The activity's own words, not those of the layers around it. */
function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

function describe({ part, state, wanted, refreshed, error }: PartResult): string {
  const why = error === null ? '' : `: ${error}`
  return `- ${part}: ${state === 'done' ? state : `**${state}**`}, ${refreshed} of ${wanted}${why}`
}

function allFailed(parts: readonly PartResult[]): ApplicationFailure {
  const reasons = parts.map(({ part, error }) => `${part}: ${error ?? 'unknown'}`)
  return ApplicationFailure.create({
    message: `no part could be refreshed: ${reasons.join('; ')}`,
    type: 'RefreshFailed',
    nonRetryable: true,
  })
}
