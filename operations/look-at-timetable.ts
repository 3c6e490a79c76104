/**
 * Looks legs that leave weeks ahead up in the timetable, once a week until their polls begin: a retime
 * is endorsed as one that a poll saw, a leg that vanished is noted. Decides nothing.
 */
import type { Clock } from '../domain/ports/clock.ts'
import type {
  FlightDataProvider,
  ProviderFailureKind,
} from '../domain/ports/flight-data-provider.ts'
import { MAX_LEG_PAGE, type LegStore, type LegToPoll } from '../domain/ports/leg-store.ts'
import type { TimetableLook, TimetableLooks } from '../domain/ports/timetable-looks.ts'
import { FIRST_POLL_BEFORE_OUT_MS, nextPoll } from '../domain/poll-plan.ts'
import { announcedRetime, type Schedule } from '../domain/retime.ts'
import {
  nextTimetableLook,
  repeatedTimetableLook,
  timetableFinding,
  type TimetableFinding,
} from '../domain/timetable-watch.ts'
import { MINUTE_MS, type Instant } from '../domain/time.ts'
import { forEachConcurrently } from './bounded-concurrency.ts'
import type { RefreshedPart } from './refresh-flights.ts'

/** What looking works over. */
export type LookAtTimetableDeps = {
  readonly clock: Clock
  readonly flightData: Pick<FlightDataProvider, 'id' | 'findScheduled'>
  readonly legStore: Pick<LegStore, 'loadForPolling'>
  readonly timetableLooks: TimetableLooks
}

/** What came of it. */
export type TimetablePart = RefreshedPart & {
  /** Legs whose new timetable is insured from now on. */
  readonly retimed: number
  /** Legs that the look before this one still found, or that were bound since. */
  readonly vanished: number
  /** Legs that the look before this one did not find, with the timetable that is insured. */
  readonly returned: number
}

/** Legs of one run: 48,000 a day, which is every leg of 10,000 departures a day nearly five times. */
const LEGS_LIMIT = MAX_LEG_PAGE
const CONCURRENCY = 8
/** Looks per transaction: losing a page to a crash costs this many calls. */
const SAVE_PAGE = 100
/** Refusals that asking for the same leg a few hours later only repeats. */
const ABOUT_THE_LEG: readonly ProviderFailureKind[] = ['NOT_FOUND', 'BAD_REQUEST']
/** Wall time after which another run may take the legs over: a run that lives is done by then. */
const LEASE_MS = 5 * MINUTE_MS

/** May be repeated: a leg that was looked up is due in a week. Throws on cancellation and a lost database. */
export async function lookAtTimetable(
  deps: LookAtTimetableDeps,
  input: { readonly claimedBy: string },
  options: {
    readonly onProgress?: (done: number, total: number) => void
    readonly signal?: AbortSignal
  } = {},
): Promise<TimetablePart> {
  const { claimedBy } = input
  const { signal } = options
  const legIds = await deps.timetableLooks.claim({
    claimedBy,
    now: await deps.clock.now(),
    pollsBeforeOutMs: FIRST_POLL_BEFORE_OUT_MS,
    limit: LEGS_LIMIT,
    leaseMs: LEASE_MS,
  })
  const run = new LookRun(deps, legIds.length, options.onProgress)
  if (legIds.length === 0) return run.part
  try {
    const legs = await deps.legStore.loadForPolling(legIds)
    await forEachConcurrently(legs, { concurrency: CONCURRENCY, signal }, async (leg) => {
      await run.add(await lookAtLeg(deps, leg, signal))
    })
  } finally {
    try {
      await run.save()
    } finally {
      await deps.timetableLooks.release(claimedBy)
    }
  }
  return run.part
}

type Looked = { readonly look: TimetableLook; readonly failure: string | null }

class LookRun {
  readonly #deps: LookAtTimetableDeps
  readonly #onProgress: ((done: number, total: number) => void) | undefined
  readonly #part: { -readonly [Key in keyof TimetablePart]: TimetablePart[Key] }
  #pending: Looked[] = []

  constructor(
    deps: LookAtTimetableDeps,
    wanted: number,
    onProgress: ((done: number, total: number) => void) | undefined,
  ) {
    this.#deps = deps
    this.#onProgress = onProgress
    const counts = { refreshed: 0, failed: 0, retimed: 0, vanished: 0, returned: 0 }
    this.#part = { wanted, ...counts, error: null }
  }

  get part(): TimetablePart {
    return { ...this.#part }
  }

  async add(looked: Looked): Promise<void> {
    this.#pending.push(looked)
    if (this.#pending.length >= SAVE_PAGE) await this.save()
  }

  async save(): Promise<void> {
    const page = this.#pending
    this.#pending = []
    if (page.length === 0) return
    const written = await this.#deps.timetableLooks.save(page.map(({ look }) => look))
    const before = new Map(written.map((one) => [one.legId, one.before]))
    for (const { look, failure } of page) {
      // A leg that was polled meanwhile: it is looked up with the next run.
      if (before.has(look.legId)) this.#count(look, failure, before.get(look.legId) ?? null)
    }
    this.#onProgress?.(this.#part.refreshed + this.#part.failed, this.#part.wanted)
  }

  #count(
    look: TimetableLook,
    failure: string | null,
    before: TimetableFinding['kind'] | null,
  ): void {
    const part = this.#part
    if (look.answer === null) {
      part.failed += 1
      part.error ??= failure
      return
    }
    part.refreshed += 1
    const isMissing = look.answer.finding.kind === 'MISSING'
    const wasMissing = before === 'MISSING'
    if (look.retimed !== null) part.retimed += 1
    else if (isMissing && !wasMissing) part.vanished += 1
    else if (!isMissing && wasMissing) part.returned += 1
  }
}

async function lookAtLeg(
  { clock, flightData }: LookAtTimetableDeps,
  stored: LegToPoll,
  signal: AbortSignal | undefined,
): Promise<Looked> {
  const { legId, leg, pollVersion } = stored
  try {
    const result = await flightData.findScheduled(leg.identity, signal)
    // Read after the answer: nothing is announced later than this.
    const lookedAt = await clock.now()
    if (!result.ok) {
      const again = ABOUT_THE_LEG.includes(result.kind) ? nextTimetableLook : repeatedTimetableLook
      return unanswered(stored, lookedAt, again, `${result.kind}: ${result.message}`)
    }
    const { httpStatus, payloadSha256 } = result
    const finding = timetableFinding(leg.identity, result.value)
    const retimed = retimeOf(stored, finding, lookedAt)
    const scheduledOut = retimed?.scheduledOut ?? leg.scheduledOut
    const look = {
      ...{ legId, pollVersion, lookedAt, retimed },
      answer: { provider: flightData.id, httpStatus, payloadSha256, finding },
      nextTimetableAt: nextTimetableLook(lookedAt, scheduledOut),
    }
    return { look, failure: null }
  } catch (error) {
    if (signal?.aborted === true) throw error
    const message = error instanceof Error ? error.message : String(error)
    const lookedAt = await clock.now()
    return unanswered(stored, lookedAt, repeatedTimetableLook, `UNEXPECTED: ${message}`)
  }
}

/** A refusal says nothing about the leg, not even that it is not known: it is looked up again. */
function unanswered(
  stored: LegToPoll,
  lookedAt: Instant,
  again: typeof nextTimetableLook,
  failure: string,
): Looked {
  const { legId, leg, pollVersion } = stored
  const nextTimetableAt = again(lookedAt, leg.scheduledOut)
  return {
    look: { legId, pollVersion, lookedAt, answer: null, retimed: null, nextTimetableAt },
    failure,
  }
}

/** The listed timetable when the rule of announced retimes has it insured, with the polls planned by it. */
function retimeOf(
  stored: LegToPoll,
  finding: TimetableFinding,
  now: Instant,
): TimetableLook['retimed'] {
  // Times that only follow from a provider's habit are no announcement.
  if (finding.kind !== 'LISTED' || finding.isTimeUnverified) return null
  const { leg, groups, facts, consecutiveFailures } = stored
  const arrivals = groups.map(({ insuredScheduledIn }) => insuredScheduledIn)
  const schedule = announcedRetime(leg, { ...facts, ...finding.schedule }, now, arrivals)
  return schedule === null
    ? null
    : { ...schedule, ...pollBy(stored, schedule, { now, consecutiveFailures }) }
}

function pollBy(
  { leg, facts, groups }: LegToPoll,
  schedule: Schedule,
  time: { readonly now: Instant; readonly consecutiveFailures: number },
): Pick<NonNullable<TimetableLook['retimed']>, 'nextPollAt' | 'pollPhase' | 'pollReason'> {
  const plan = nextPoll({
    leg: { ...leg, ...schedule },
    facts,
    products: groups.map(({ product }) => product),
    insuredArrivals: [schedule.scheduledIn],
    ...time,
  })
  return { nextPollAt: plan.at ?? time.now, pollPhase: plan.phase, pollReason: plan.reason }
}
