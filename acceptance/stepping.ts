/** Steps an installation's clock from due moment to due moment until nothing is awaited any more. */
import { chooseTarget, stepClock, type StepDeps } from '../cli/clock/step-clock.ts'
import { addMs, DAY_MS, instantFromMs, MINUTE_MS, toMs, type Instant } from '../domain/time.ts'
import type { FaultProfile, Switches } from './fault-profiles.ts'
import { switchesAt } from './fault-profiles.ts'

/** What the steps came to. */
export type SteppedRun = {
  readonly steps: number
  readonly ticks: number
  readonly polls: number
  /** Polls that brought no answer. */
  readonly failedPolls: number
  /** Wall time in ticks, and waiting for payouts after them. Seconds. */
  readonly tickS: number
  readonly restS: number
  readonly endedAt: Instant
}

/** How a run is stepped. */
export type SteppingPlan = {
  readonly profile: FaultProfile
  readonly seed: number
  readonly minStepMs: number
  readonly startAt: Instant
  /** No fact is awaited after this: what is still due then never ends. */
  readonly notAfter: Instant
  readonly flightsUrl: string
  readonly onDay: (day: string, so: Pick<SteppedRun, 'steps' | 'polls'>) => void
}

/** Runs to the end. Rejects when a tick fails, a provider is unreachable or the signal aborts. */
export async function stepToEnd(
  deps: StepDeps,
  plan: SteppingPlan,
  signal: AbortSignal,
): Promise<SteppedRun> {
  let now = plan.startAt
  let run = { steps: 0, ticks: 0, polls: 0, failedPolls: 0, tickS: 0, restS: 0 }
  let faults: Switches = {}
  const timed: StepDeps = {
    ...deps,
    runTick: async (tickSignal) => {
      const startedMs = performance.now()
      const result = await deps.runTick(tickSignal)
      run.tickS += (performance.now() - startedMs) / 1_000
      run.failedPolls += result.failed
      return result
    },
  }
  while (now < plan.notAfter) {
    signal.throwIfAborted()
    const to = await chooseTarget(deps.overviewStore, now, { minMs: plan.minStepMs })
    if (to === null) break
    const wanted = switchesAt(plan.profile, toMs(to))
    if (wanted !== faults) await setFaults(plan, wanted)
    faults = wanted
    const startedMs = performance.now()
    const tickSBefore = run.tickS
    const outcome = await stepClock(timed, { minMs: plan.minStepMs, to }, signal)
    if (outcome.kind === 'idle') break
    run = {
      ...run,
      steps: run.steps + 1,
      ticks: run.ticks + outcome.ticks,
      polls: run.polls + outcome.polled,
      restS: run.restS + (performance.now() - startedMs) / 1_000 - (run.tickS - tickSBefore),
    }
    if (to.slice(0, 10) !== now.slice(0, 10)) plan.onDay(to.slice(0, 10), run)
    now = to
  }
  return { ...run, endedAt: now }
}

async function setFaults({ flightsUrl, seed }: SteppingPlan, faults: Switches): Promise<void> {
  const response = await fetch(new URL('/__faults', flightsUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seed, faults }),
  })
  if (!response.ok) throw new Error(`faults were refused: ${await response.text()}`)
}

/** Where a run's virtual time begins: before the last early look at its first leg. */
export function startOf(firstDepartureMs: number): Instant {
  return addMs(instantFromMs(firstDepartureMs), -390 * MINUTE_MS)
}

/** When even a silent provider's last leg has gone to people. */
export function endOf(lastArrivalMs: number): Instant {
  return addMs(instantFromMs(lastArrivalMs), 3 * DAY_MS)
}
