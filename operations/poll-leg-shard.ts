/**
 * Polls a shard of legs: asks the provider about each, folds the answers into the legs' facts, plans the
 * next polls and writes all of it in pages. A leg that fails is recorded and never stops the others.
 */
import { purposeOfPoll } from '../domain/call-purpose.ts'
import { decideBySources } from '../domain/decide-by-sources.ts'
import { foldAnswer } from '../domain/leg-facts.ts'
import type { LegFacts } from '../domain/leg-facts.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  FlightDataProvider,
  ProviderAnswer,
  ProviderFailure,
  ProviderFailureKind,
  ProviderLeg,
} from '../domain/ports/flight-data-provider.ts'
import { MAX_LEG_PAGE } from '../domain/ports/leg-store.ts'
import type { LegStore, LegToPoll, PolledLeg } from '../domain/ports/leg-store.ts'
import { nextPollAfter } from '../domain/poll-plan.ts'
import { announcedRetime, type Schedule } from '../domain/retime.ts'
import type { SecondFacts } from '../domain/second-source.ts'
import { addMs, later, MINUTE_MS } from '../domain/time.ts'
import type { Instant } from '../domain/time.ts'
import {
  askSecondSource,
  storedSecond,
  type AskSecondOptions,
  type SecondSourceDeps,
} from './ask-second-source.ts'
import { forEachConcurrently } from './bounded-concurrency.ts'
import { observationOf } from './observed-records.ts'

/** What polling works over. */
export type PollLegShardDeps = SecondSourceDeps & {
  readonly legStore: Pick<LegStore, 'loadForPolling' | 'savePolls'>
  readonly flightData: Pick<FlightDataProvider, 'id' | 'getStatus'>
  readonly clock: Clock
}

/** What asking about one leg works over. */
export type PollLegDeps = Omit<PollLegShardDeps, 'legStore'>

/** Which legs are asked about. */
export type PollLegShardInput = {
  readonly legIds: readonly string[]
  /** The claim's name; kept for the record, a leg is protected by its own version. */
  readonly claimedBy: string
}

/** Concurrency, progress and cancellation. */
export type PollLegShardOptions = {
  /** Requests on the wire at once. */
  readonly concurrency: number
  readonly onProgress?: (done: number, total: number) => void
  /** Wall time for second opinions of the whole shard; default 45,000 ms, half of a step's time. */
  readonly secondBudgetMs?: number
  /** On abort the answers already in are written before the signal's reason is thrown. */
  readonly signal?: AbortSignal
}

/** A leg about which a source gave no answer. */
export type FailedPoll = {
  readonly legId: string
  /** UNEXPECTED is a fault of ours or an answer that nobody thought of. */
  readonly kind: ProviderFailureKind | 'UNEXPECTED'
  readonly message: string
}

/** What came of the shard. */
export type PolledLegShard = {
  /** Legs asked about and written. */
  readonly polled: number
  /** Legs whose answer differs from the one before. */
  readonly changed: number
  /** Legs whose new timetable is insured from now on. */
  readonly retimed: number
  readonly failed: FailedPoll[]
  /** Legs about which the second source was silent; they are polled all the same. */
  readonly secondSilent: FailedPoll[]
  /** Legs for which some policy can be decided now. */
  readonly decidableLegIds: string[]
}

/** Answers per transaction: losing a page to a crash costs this many calls, a page costs 20 ms. */
const SAVE_PAGE = 100

const SECOND_BUDGET_MS = 45_000

/** A leg whose decisions are all due is looked at again if they were not carried out by then. */
const DECISION_PENDING_MS = 10 * MINUTE_MS

/** One leg's poll, to be written, and what came of it. */
export type PollOutcome = {
  readonly poll: PolledLeg
  readonly isChanged: boolean
  readonly isDecidable: boolean
  readonly failure: FailedPoll | null
  readonly secondFailure: FailedPoll | null
}

/**
 * Polls the legs, due or not. Safe to repeat and to run at once with another poll of a leg: of two, one
 * is written. Legs without an undecided policy are left out. Throws only on cancellation and when the
 * database fails; what was written stays.
 */
export async function pollLegShard(
  deps: PollLegShardDeps,
  input: PollLegShardInput,
  options: PollLegShardOptions,
): Promise<PolledLegShard> {
  const legIds = [...new Set(input.legIds)]
  const shard = new ShardRun(deps, options, legIds.length)
  for (let start = 0; start < legIds.length; start += MAX_LEG_PAGE) {
    await shard.pollPage(legIds.slice(start, start + MAX_LEG_PAGE))
  }
  return shard.result
}

class ShardRun {
  readonly result = {
    polled: 0,
    changed: 0,
    retimed: 0,
    failed: [] as FailedPoll[],
    secondSilent: [] as FailedPoll[],
    decidableLegIds: [] as string[],
  }
  readonly #deps: PollLegShardDeps
  readonly #options: PollLegShardOptions
  readonly #total: number
  readonly #budget: AbortSignal
  #done = 0
  #pending: PollOutcome[] = []

  constructor(deps: PollLegShardDeps, options: PollLegShardOptions, total: number) {
    this.#deps = deps
    this.#options = options
    this.#total = total
    this.#budget = AbortSignal.timeout(options.secondBudgetMs ?? SECOND_BUDGET_MS)
  }

  async pollPage(legIds: readonly string[]): Promise<void> {
    const loaded = await this.#deps.legStore.loadForPolling(legIds)
    const legs = loaded.filter((leg) => leg.groups.length > 0)
    try {
      await forEachConcurrently(legs, this.#options, async (leg) => {
        const { signal } = this.#options
        const outcome = await pollLeg(this.#deps, leg, { signal, budget: this.#budget })
        // After the wait: the list may have been written and replaced meanwhile.
        this.#pending.push(outcome)
        if (this.#pending.length >= SAVE_PAGE) await this.#save()
      })
    } finally {
      await this.#save()
    }
    this.#progress(legIds.length - legs.length)
  }

  async #save(): Promise<void> {
    const page = this.#pending
    this.#pending = []
    if (page.length === 0) return
    const written = new Set(await this.#deps.legStore.savePolls(page.map(({ poll }) => poll)))
    for (const { poll, isChanged, isDecidable, failure, secondFailure } of page) {
      if (!written.has(poll.legId)) continue
      this.result.polled += 1
      if (isChanged) this.result.changed += 1
      if ((poll.answer?.retimed ?? null) !== null) this.result.retimed += 1
      if (isDecidable) this.result.decidableLegIds.push(poll.legId)
      if (failure !== null) this.result.failed.push(failure)
      if (secondFailure !== null) this.result.secondSilent.push(secondFailure)
    }
    this.#progress(page.length)
  }

  #progress(legs: number): void {
    this.#done += legs
    this.#options.onProgress?.(this.#done, this.#total)
  }
}

/** Asks about one leg and folds the answer; writes nothing. A failure is an outcome, not an error. */
export async function pollLeg(
  deps: PollLegDeps,
  stored: LegToPoll,
  until: AskSecondOptions,
): Promise<PollOutcome> {
  const { signal } = until
  try {
    const { leg, providerIdent } = stored
    const { identity, scheduledOut, scheduledIn } = leg
    const { pollPhase } = stored
    const purpose = purposeOfPoll({ pollPhase, scheduledIn }, await deps.clock.now())
    const reference = { identity, providerIdent, scheduledOut, scheduledIn, purpose }
    const result = await deps.flightData.getStatus(reference, signal)
    // Read after the answer: nothing in it can be later than this.
    const now = await deps.clock.now()
    if (!result.ok) return failedPoll(deps, stored, now, result)
    return await answeredPoll(deps, stored, now, result, until)
  } catch (error) {
    if (signal?.aborted === true) throw error
    const message = error instanceof Error ? error.message : String(error)
    return failedPoll(deps, stored, await deps.clock.now(), { kind: 'UNEXPECTED', message })
  }
}

async function answeredPoll(
  deps: PollLegDeps,
  stored: LegToPoll,
  now: Instant,
  answer: ProviderAnswer<ProviderLeg[]>,
  until: AskSecondOptions,
): Promise<PollOutcome> {
  const { leg, facts: before, legId, pollVersion, hasBound } = stored
  const { facts, phase, flags } = foldAnswer(before, leg, answer.value, now)
  const provider = deps.flightData.id
  const observation = observationOf(provider, leg, before.providerIds, answer, flags)
  const asked = await askSecondSource(deps, stored, facts, now, until)
  const insuredArrivals = stored.groups.map(({ insuredScheduledIn }) => insuredScheduledIn)
  const retimed = announcedRetime(leg, facts, now, insuredArrivals)
  const insured = retimed === null ? stored : rescheduled(stored, retimed)
  const plan = planNext(insured, { facts, second: asked.facts }, asked.second?.askedAt ?? now, 0)
  return {
    poll: {
      legId,
      pollVersion,
      hasBound,
      polledAt: now,
      answer: { observation, facts, phase, retimed },
      ...(asked.second === null ? {} : { second: asked.second }),
      consecutiveFailures: 0,
      ...plan.columns,
    },
    isChanged: observation.normSha256 !== stored.lastNormSha256[provider],
    isDecidable: plan.isDecidable,
    failure: null,
    secondFailure: asked.failure === null ? null : { legId, ...asked.failure },
  }
}

/** The leg as it is insured once its new timetable is endorsed, for the plan. */
function rescheduled(stored: LegToPoll, retimed: Schedule): LegToPoll {
  const { scheduledIn: insuredScheduledIn } = retimed
  const groups = stored.groups.map((group) => ({ ...group, insuredScheduledIn }))
  return { ...stored, leg: { ...stored.leg, ...retimed }, groups }
}

function failedPoll(
  deps: PollLegDeps,
  stored: LegToPoll,
  now: Instant,
  failure: Pick<FailedPoll, 'kind' | 'message'> & Pick<ProviderFailure, 'retryAfterMs'>,
): PollOutcome {
  const { legId, pollVersion, hasBound, facts } = stored
  const consecutiveFailures = stored.consecutiveFailures + 1
  // Time alone can decide, also while the provider is silent.
  const evidence = { facts, second: storedSecond(deps, stored) }
  const { columns, isDecidable } = planNext(stored, evidence, now, consecutiveFailures)
  const nextPollAt = later(columns.nextPollAt, addMs(now, failure.retryAfterMs ?? 0))
  const { kind, message } = failure
  return {
    poll: {
      legId,
      pollVersion,
      hasBound,
      polledAt: now,
      answer: null,
      consecutiveFailures,
      ...columns,
      nextPollAt,
    },
    isChanged: false,
    isDecidable,
    failure: { legId, kind, message },
    secondFailure: null,
  }
}

type PlannedPoll = {
  readonly columns: Pick<PolledLeg, 'nextPollAt' | 'pollPhase' | 'pollReason'>
  readonly isDecidable: boolean
}

function planNext(
  stored: LegToPoll,
  { facts, second }: { readonly facts: LegFacts; readonly second: SecondFacts | null },
  now: Instant,
  consecutiveFailures: number,
): PlannedPoll {
  const { leg, groups } = stored
  const decisions = groups.map(({ product, insuredScheduledIn }) =>
    decideBySources({ leg, facts, second, insuredScheduledIn, product, now }),
  )
  const products = groups.map(({ product }) => product)
  const plan = nextPollAfter({ leg, facts, products, now, consecutiveFailures }, decisions)
  return {
    columns: {
      nextPollAt: plan.at ?? addMs(now, DECISION_PENDING_MS),
      pollPhase: plan.phase,
      pollReason: plan.reason,
    },
    isDecidable: decisions.some((decision) => decision.outcome !== 'NOT_YET'),
  }
}
