/**
 * Moves a stopped clock to the next due moment and waits until the work due there is done: ticks
 * until no leg is due, then until its payouts are paid or wait for a person.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import type { ClockStore } from '../../db/stores/clock-store.ts'
import type { OverviewStore } from '../../db/stores/overview-store.ts'
import type { Instant } from '../../domain/time.ts'
import { addMs, earlier, instantFromMs, later, MINUTE_MS, toMs } from '../../domain/time.ts'
import type { FlightMonitorResult } from '../../jobs/flight-monitor.ts'
import type { BatchProgress } from './held-payouts.ts'

/** Ticks happen on this grid of virtual time. */
const GRID_MS = 2 * MINUTE_MS
// One tick takes a page of due legs; a book of a million policies has some ten pages of them.
const MAX_TICKS = 50
// Payouts that show no progress for so long wait for a person or for the rail.
const STUCK_MS = 15_000
const POLL_MS = 50
// Payouts that get on do so within a fraction of this; asking their runs costs them a worker's task.
const ASK_RUNS_EVERY_MS = 500
// More batches than this at once are a storm that gets on, not one that is held.
const MAX_BATCHES_ASKED = 50

export type StepDeps = {
  readonly clockStore: ClockStore
  readonly overviewStore: OverviewStore
  /** Runs one flight-monitor and waits for its result. */
  readonly runTick: (signal: AbortSignal) => Promise<FlightMonitorResult>
  /** What the batches' runs say of themselves. */
  readonly askRuns: (batchIds: readonly string[]) => Promise<readonly BatchProgress[]>
}

export type StepRequest = {
  /** Not less far than this. Milliseconds. */
  readonly minMs: number
  /** Exactly there, due or not. */
  readonly to?: Instant
  /** Never beyond it. */
  readonly notAfter?: Instant
}

type Done = {
  readonly ticks: number
  readonly polled: number
  readonly policiesPaid: number
  readonly policiesNotPaid: number
  readonly payoutsCreated: number
}

export type StepOutcome =
  | { readonly kind: 'idle'; readonly now: Instant }
  | ({
      readonly kind: 'stepped'
      readonly now: Instant
      /** Still due after the step, when ticks did not get through all of them. */
      readonly legsDue: number
      /** Neither paid, cancelled nor with a person, when they showed no progress any more. */
      readonly payoutsOpen: number
    } & Done)

/** One step. `idle`: nothing is due any more and the clock was not moved. The clock must be stopped. */
export async function stepClock(
  deps: StepDeps,
  request: StepRequest,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const reading = await deps.clockStore.read()
  if (reading === null || reading.speed !== 0) throw new Error('the clock is not stopped')
  const target = await chooseTarget(deps.overviewStore, reading.now, request)
  if (target === null) return { kind: 'idle', now: reading.now }
  const areHeld = await watchHeld(deps)
  await deps.clockStore.set({ now: target })
  const done = await tickUntilNothingDue(deps, target, signal)
  const pending = await untilPayoutsRest(deps.overviewStore, areHeld, target, signal)
  return { kind: 'stepped', now: target, ...done, ...pending }
}

/** Where the clock goes; null when nothing is due at any time. */
export async function chooseTarget(
  overviewStore: Pick<OverviewStore, 'nextDueAt'>,
  now: Instant,
  { to, minMs, notAfter }: StepRequest,
): Promise<Instant | null> {
  if (to !== undefined) return to
  const due = await overviewStore.nextDueAt()
  if (due === null) return null
  const target = onGrid(later(due, addMs(now, minMs)))
  return notAfter === undefined ? target : earlier(target, later(notAfter, now))
}

/** The first moment of the grid that is not before. */
function onGrid(instant: Instant): Instant {
  return instantFromMs(Math.ceil(toMs(instant) / GRID_MS) * GRID_MS)
}

async function tickUntilNothingDue(
  deps: StepDeps,
  now: Instant,
  signal: AbortSignal,
): Promise<Done> {
  let done: Done = { ticks: 0, polled: 0, policiesPaid: 0, policiesNotPaid: 0, payoutsCreated: 0 }
  while (done.ticks < MAX_TICKS) {
    signal.throwIfAborted()
    const tick = await deps.runTick(signal)
    done = {
      ticks: done.ticks + 1,
      polled: done.polled + tick.polled,
      policiesPaid: done.policiesPaid + tick.policiesPaid,
      policiesNotPaid: done.policiesNotPaid + tick.policiesNotPaid,
      payoutsCreated: done.payoutsCreated + tick.payoutsCreated,
    }
    const { legsDue } = await deps.overviewStore.pendingWork(now)
    // A tick that took nothing although legs are due: another one holds them, or they cannot be.
    if (legsDue === 0) break
    if (tick.claimed === 0) await sleep(POLL_MS * 4, undefined, { signal })
  }
  return done
}

type AreHeld = (payoutsOpen: number) => Promise<boolean>

async function untilPayoutsRest(
  overviewStore: OverviewStore,
  areHeld: AreHeld,
  now: Instant,
  signal: AbortSignal,
): Promise<{ legsDue: number; payoutsOpen: number }> {
  let pending = await overviewStore.pendingWork(now)
  let progressAtMs = performance.now()
  let askedAtMs = progressAtMs
  while (pending.payoutsOpen > 0 && performance.now() - progressAtMs < STUCK_MS) {
    await sleep(POLL_MS, undefined, { signal })
    const next = await overviewStore.pendingWork(now)
    if (next.payoutsOpen !== pending.payoutsOpen) progressAtMs = performance.now()
    pending = next
    if (performance.now() - Math.max(progressAtMs, askedAtMs) < ASK_RUNS_EVERY_MS) continue
    if (await areHeld(pending.payoutsOpen)) break
    askedAtMs = performance.now()
  }
  return pending
}

/**
 * Tells whether all open payouts are held. A run that was there before the step counts once it has
 * looked again: what held it then may have been lifted since.
 */
async function watchHeld({ overviewStore, askRuns }: StepDeps): Promise<AreHeld> {
  const roundsBefore = new Map<string, number | null>()
  for (const id of await overviewStore.openPayoutBatches(MAX_BATCHES_ASKED)) {
    roundsBefore.set(id, null)
  }
  return async (payoutsOpen) => {
    let held = 0
    for (const run of await askRuns(await overviewStore.openPayoutBatches(MAX_BATCHES_ASKED))) {
      const before = roundsBefore.get(run.batchId)
      if (before === null) roundsBefore.set(run.batchId, run.rounds)
      const isFresh = before === undefined || (before !== null && run.rounds > before)
      if (isFresh) held += run.held
    }
    return held >= payoutsOpen
  }
}
