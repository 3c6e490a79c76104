/**
 * Looks once more at decided legs, asks the provider about those where a correction would matter, and
 * keeps what it finds. Pays nothing and takes nothing back: more owed goes to people.
 */
import {
  CORRECTION_LOOK_UNTIL_MS,
  isWorthAnotherLook,
  judgeCorrection,
} from '../domain/correction.ts'
import { DECISION_REVISION } from '../domain/decision-revision.ts'
import { foldAnswer } from '../domain/leg-facts.ts'
import type { LegFacts } from '../domain/leg-facts.ts'
import { coverEnd } from '../domain/policy.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  CorrectionStore,
  DueCorrection,
  NewCorrection,
} from '../domain/ports/correction-store.ts'
import type { DecisionStore } from '../domain/ports/decision-store.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { LegStore, LegToPoll, PolledLeg } from '../domain/ports/leg-store.ts'
import { addMs, HOUR_MS, toMs, type Instant } from '../domain/time.ts'
import { forEachConcurrently } from './bounded-concurrency.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'
import { observationOf } from './observed-records.ts'

/** What it works over. */
export type WatchCorrectionsDeps = {
  readonly correctionStore: CorrectionStore
  readonly legStore: Pick<LegStore, 'loadForPolling' | 'savePolls'>
  readonly decisionStore: Pick<DecisionStore, 'saveEvaluations'>
  readonly flightData: Pick<FlightDataProvider, 'id' | 'getStatus'>
  readonly clock: Clock
}

/** Progress and cancellation. */
export type WatchCorrectionsOptions = {
  /** Requests on the wire at once. */
  readonly concurrency: number
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** What came of one page of legs. */
export type WatchedCorrections = {
  /** Legs whose look had come. */
  readonly looked: number
  /** Of these, those about which the provider was asked. */
  readonly asked: number
  readonly failed: number
  readonly corrections: readonly NewCorrection[]
  /** False when more legs are due. */
  readonly isComplete: boolean
}

/** Legs of one page: a few seconds of asking, and one heartbeat's worth of loss. */
const PAGE = 250

/** A look that brought no answer, or needs another one at once, is not repeated sooner. */
const LOOK_AGAIN_MS = HOUR_MS

type Looked = {
  readonly legId: string
  readonly poll: PolledLeg | null
  readonly at: Instant | null
  readonly found: readonly Found[]
  readonly isFailed: boolean
}

type Found = {
  readonly group: DueCorrection['groups'][number]
  readonly verdict: Extract<ReturnType<typeof judgeCorrection>, { kind: 'HIGHER' | 'LOWER' }>
  readonly facts: LegFacts
}

/** Goes through one page. Safe to repeat and to interrupt anywhere: a leg not planned anew is due again. */
export async function watchCorrections(
  deps: WatchCorrectionsDeps,
  options: WatchCorrectionsOptions,
): Promise<WatchedCorrections> {
  const due = await deps.correctionStore.due(await deps.clock.now(), PAGE)
  const legs = new Map(
    (await deps.legStore.loadForPolling(due.map(({ legId }) => legId))).map((leg) => [
      leg.legId,
      leg,
    ]),
  )
  const looked: Looked[] = []
  await forEachConcurrently(due, options, async (one) => {
    const leg = legs.get(one.legId)
    if (leg !== undefined) looked.push(await look(deps, one, leg, options.signal))
    options.onProgress?.(looked.length, due.length)
  })
  const polls = looked.flatMap(({ poll }) => (poll === null ? [] : [poll]))
  await deps.legStore.savePolls(polls)
  const now = await deps.clock.now()
  const corrections = await keep(deps, looked, now)
  // Last, so that a crash before it repeats the look and not the correction.
  await deps.correctionStore.planLooks(looked.map(({ legId, at }) => ({ legId, at })))
  return {
    looked: looked.length,
    asked: polls.length,
    failed: looked.filter(({ isFailed }) => isFailed).length,
    corrections,
    isComplete: due.length < PAGE,
  }
}

async function look(
  deps: WatchCorrectionsDeps,
  { legId, groups }: DueCorrection,
  stored: LegToPoll,
  signal: AbortSignal | undefined,
): Promise<Looked> {
  const nothing = { legId, poll: null, at: null, found: [], isFailed: false }
  const { leg, facts: before, providerIdent, pollVersion } = stored
  const isWorth = groups.some((group) => isWorthAnotherLook({ ...group, facts: before }))
  // A leg with undecided policies is polled anyway.
  if (!isWorth || stored.groups.length > 0) return nothing
  const { identity, scheduledOut, scheduledIn } = leg
  const asked = { identity, providerIdent, scheduledOut, scheduledIn }
  const result = await deps.flightData.getStatus(asked, signal)
  const now = await deps.clock.now()
  const untilMs = toMs(coverEnd(scheduledIn)) + CORRECTION_LOOK_UNTIL_MS
  const later = (at: Instant) => (toMs(at) > untilMs ? null : at)
  if (!result.ok) return { ...nothing, at: later(addMs(now, LOOK_AGAIN_MS)), isFailed: true }
  const { facts, phase, flags } = foldAnswer(before, leg, result.value, now)
  const verdicts = groups.map((group) => ({
    group,
    facts,
    verdict: judgeCorrection({ leg, facts, now, ...group }, group.bps),
  }))
  const waits = verdicts.flatMap(({ verdict }) => (verdict.kind === 'WAIT' ? [verdict.until] : []))
  const [wait] = waits.toSorted((a, b) => toMs(a) - toMs(b))
  const again = wait === undefined || wait > now ? wait : addMs(now, LOOK_AGAIN_MS)
  const observation = observationOf(deps.flightData.id, leg, before.providerIds, result, flags)
  return {
    legId,
    poll: {
      legId,
      pollVersion,
      hasBound: false,
      polledAt: now,
      // A timetable announced after the decision insures nobody.
      answer: { observation, facts, phase, retimed: null },
      consecutiveFailures: 0,
      // Without undecided policies the leg does not come back into the plan of polls.
      nextPollAt: now,
      pollPhase: 'DONE',
      pollReason: 'corrections',
    },
    at: again === undefined ? null : later(again),
    found: verdicts.flatMap(({ group, verdict }) =>
      verdict.kind === 'HIGHER' || verdict.kind === 'LOWER' ? [{ group, verdict, facts }] : [],
    ),
    isFailed: false,
  }
}

async function keep(
  { decisionStore, correctionStore }: WatchCorrectionsDeps,
  looked: readonly Looked[],
  now: Instant,
): Promise<readonly NewCorrection[]> {
  const found = looked.flatMap(({ legId, found: some }) => some.map((one) => ({ legId, ...one })))
  if (found.length === 0) return []
  const ids = await decisionStore.saveEvaluations(
    found.map(({ legId, group, verdict, facts }) => {
      const text = canonicalJson(facts)
      return {
        legId,
        productVersionId: group.productVersionId,
        insuredScheduledIn: group.insuredScheduledIn,
        facts: text,
        secondFacts: null,
        factsSha256: sha256(text),
        decision: verdict.decision,
        tzdataVersion: process.versions['tz'] ?? 'unknown',
        decisionRevision: DECISION_REVISION,
        evaluatedAt: now,
      }
    }),
  )
  const corrections = found.flatMap(
    ({ legId, group, verdict: { decision } }, at): NewCorrection[] => {
      const correctedEvaluationId = ids[at]
      if (correctedEvaluationId === undefined) throw new Error('an evaluation was not stored')
      const { evaluationId, bps, policies } = group
      const correctedBps = decision.outcome === 'PAY' ? decision.bps : 0
      return [{ legId, evaluationId, correctedEvaluationId, bps, correctedBps, policies }]
    },
  )
  return correctionStore.save(corrections, now)
}
