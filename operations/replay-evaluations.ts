/**
 * Makes every decision of today's rules again from the stored observations and compares it with what is
 * stored: facts byte for byte, outcome, share, delay and reasons. Writes nothing.
 */
import { decideBySources } from '../domain/decide-by-sources.ts'
import { DECISION_REVISION } from '../domain/decision-revision.ts'
import { emptyFacts, foldAnswer, type LegFacts } from '../domain/leg-facts.ts'
import type { ProviderLeg } from '../domain/ports/flight-data-provider.ts'
import type { BookBreak } from '../domain/ports/ledger-store.ts'
import type {
  ReplayedEvaluation,
  ReplayedLeg,
  ReplayedObservation,
  ReplaySource,
} from '../domain/ports/replay-source.ts'
import { foldSecondAnswer, secondNeverAsked, type SecondFacts } from '../domain/second-source.ts'
import { earlier, type Instant } from '../domain/time.ts'
import { canonicalJson } from './canonical-json.ts'

/** Where a replay goes on, and what it found so far. */
export type Replayed = {
  readonly legs: number
  readonly evaluations: number
  /** Decisions that another state of the rules made: not replayed. */
  readonly ofOtherRules: number
  /** What is not as stored; at most BREAKS_KEPT a call. */
  readonly breaks: readonly BookBreak[]
  /** The last leg looked at; null when no leg is left. */
  readonly next: string | null
}

/** Legs per page: about fifteen observations each. */
const LEGS_PER_PAGE = 200

/** The first ones say what is wrong. */
const BREAKS_KEPT = 100

/** Replays at most `maxPages` pages of legs after `after`. Safe to interrupt and to repeat. */
export async function replayEvaluations(
  { replaySource }: { readonly replaySource: ReplaySource },
  { after }: { readonly after: string | null },
  options: {
    readonly maxPages: number
    readonly signal?: AbortSignal
    readonly onProgress?: (legs: number) => void
  },
): Promise<Replayed> {
  let legs = 0
  let evaluations = 0
  let ofOtherRules = 0
  const breaks: BookBreak[] = []
  let next = after
  for (let page = 0; page < options.maxPages; page += 1) {
    options.signal?.throwIfAborted()
    const read = await replaySource.readLegs(next, LEGS_PER_PAGE)
    for (const leg of read) {
      const made = leg.evaluations.filter((one) => one.decisionRevision === DECISION_REVISION)
      evaluations += made.length
      ofOtherRules += leg.evaluations.length - made.length
      for (const found of replayLeg({ ...leg, evaluations: made }))
        if (breaks.length < BREAKS_KEPT) breaks.push(found)
    }
    legs += read.length
    options.onProgress?.(legs)
    next = read.length === LEGS_PER_PAGE ? (read.at(-1)?.legId ?? null) : null
    if (next === null) break
  }
  return { legs, evaluations, ofOtherRules, breaks, next }
}

function replayLeg(replayed: ReplayedLeg): BookBreak[] {
  return replayed.evaluations.flatMap((evaluation) => {
    const detail = differenceOf(replayed, evaluation)
    if (detail === null) return []
    return [{ invariant: 'I10', subject: `evaluation:${evaluation.evaluationId}`, detail }]
  })
}

/** What is not the same; null when all is. */
function differenceOf(replayed: ReplayedLeg, stored: ReplayedEvaluation): string | null {
  const { observations, secondProvider } = replayed
  const { insuredScheduledIn, product, evaluatedAt } = stored
  const leg = legAt(replayed, evaluatedAt)
  const own = observations.filter(({ provider }) => provider !== secondProvider)
  const facts = foldUpTo(
    own,
    stored.facts,
    emptyFacts(),
    (before, records, at) => foldAnswer(before, legAt(replayed, at), records, at).facts,
  )
  if (canonicalJson(facts) !== canonicalJson(stored.facts)) {
    return 'its facts do not follow from the observations'
  }
  const second = stored.second === null ? null : replaySecond(replayed, stored.second)
  if (canonicalJson(second) !== canonicalJson(stored.second)) {
    return "the second source's facts do not follow from its observations"
  }
  const now = evaluatedAt
  const decision = decideBySources({ leg, facts, second, insuredScheduledIn, product, now })
  const isPay = decision.outcome === 'PAY'
  const made = {
    outcome: decision.outcome,
    bps: isPay ? decision.bps : 0,
    disputedBps: isPay ? (decision.disputedBps ?? null) : null,
    delayMin: 'delayMin' in decision ? decision.delayMin : null,
    reasons: decision.reasons,
  }
  const { outcome, bps, disputedBps, delayMin, reasons } = stored
  const kept = { outcome, bps, disputedBps, delayMin, reasons }
  if (canonicalJson(made) === canonicalJson(kept)) return null
  return `is ${canonicalJson(kept)}, the rules say ${canonicalJson(made)}`
}

/** Only its answers are stored: when it was asked and stayed silent is taken as it is kept. */
function replaySecond(replayed: ReplayedLeg, stored: SecondFacts): SecondFacts {
  const own = replayed.observations.filter(({ provider }) => provider === stored.provider)
  const start = secondNeverAsked(stored.provider)
  const second = foldUpTo(
    own,
    stored.facts,
    start,
    (before, records, at) => foldSecondAnswer(before, legAt(replayed, at), records, at).second,
  )
  return { ...second, asked: stored.asked }
}

/** The leg with the timetable by which an answer of that moment was read. */
function legAt({ leg, earlier: timetables }: ReplayedLeg, at: Instant): ReplayedLeg['leg'] {
  const held = timetables.find(({ until }) => at <= until)
  if (held === undefined) return leg
  const { scheduledOut, scheduledIn } = held
  return { ...leg, scheduledOut, scheduledIn }
}

/** What was known then: answers after the last one that the decision knew are left out. */
function foldUpTo<Known>(
  observations: readonly ReplayedObservation[],
  { lastAnswerAt }: LegFacts,
  start: Known,
  fold: (before: Known, records: readonly ProviderLeg[], at: Instant) => Known,
): Known {
  let known = start
  if (lastAnswerAt === null) return known
  for (const { firstSeenAt, lastSeenAt, records } of observations) {
    if (firstSeenAt > lastAnswerAt) break
    known = fold(known, records, firstSeenAt)
    const seenAt = earlier(lastSeenAt, lastAnswerAt)
    // A run of equal answers folds like its first and its last.
    if (seenAt > firstSeenAt) known = fold(known, records, seenAt)
  }
  return known
}
