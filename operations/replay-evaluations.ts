/**
 * Makes every decision of the rules again from the stored observations and compares it with what is
 * stored: facts byte for byte, outcome, share, delay and reasons. Writes nothing.
 */
import { decide } from '../domain/decision.ts'
import { emptyFacts, foldAnswer, type LegFacts } from '../domain/leg-facts.ts'
import type { BookBreak } from '../domain/ports/ledger-store.ts'
import type {
  ReplayedEvaluation,
  ReplayedLeg,
  ReplayedObservation,
  ReplaySource,
} from '../domain/ports/replay-source.ts'
import { earlier } from '../domain/time.ts'
import { canonicalJson } from './canonical-json.ts'

/** Where a replay goes on, and what it found so far. */
export type Replayed = {
  readonly legs: number
  readonly evaluations: number
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
  const breaks: BookBreak[] = []
  let next = after
  for (let page = 0; page < options.maxPages; page += 1) {
    options.signal?.throwIfAborted()
    const read = await replaySource.readLegs(next, LEGS_PER_PAGE)
    for (const leg of read) {
      evaluations += leg.evaluations.length
      for (const found of replayLeg(leg)) if (breaks.length < BREAKS_KEPT) breaks.push(found)
    }
    legs += read.length
    options.onProgress?.(legs)
    next = read.length === LEGS_PER_PAGE ? (read.at(-1)?.legId ?? null) : null
    if (next === null) break
  }
  return { legs, evaluations, breaks, next }
}

function replayLeg(replayed: ReplayedLeg): BookBreak[] {
  return replayed.evaluations.flatMap((evaluation) => {
    const detail = differenceOf(replayed, evaluation)
    if (detail === null) return []
    return [{ invariant: 'I10', subject: `evaluation:${evaluation.evaluationId}`, detail }]
  })
}

/** What is not the same; null when all is. */
function differenceOf(
  { leg, observations }: ReplayedLeg,
  stored: ReplayedEvaluation,
): string | null {
  const { insuredScheduledIn, product, evaluatedAt } = stored
  const facts = foldUpTo(leg, observations, stored.facts)
  if (canonicalJson(facts) !== canonicalJson(stored.facts)) {
    return 'its facts do not follow from the observations'
  }
  const decision = decide({ leg, facts, insuredScheduledIn, product, now: evaluatedAt })
  const made = {
    outcome: decision.outcome,
    bps: decision.outcome === 'PAY' ? decision.bps : 0,
    delayMin: 'delayMin' in decision ? decision.delayMin : null,
    reasons: decision.reasons,
  }
  const { outcome, bps, delayMin, reasons } = stored
  const kept = { outcome, bps, delayMin, reasons }
  if (canonicalJson(made) === canonicalJson(kept)) return null
  return `is ${canonicalJson(kept)}, the rules say ${canonicalJson(made)}`
}

/** The facts as they were: answers after the last one that the decision knew are left out. */
function foldUpTo(
  leg: ReplayedLeg['leg'],
  observations: readonly ReplayedObservation[],
  { lastAnswerAt }: LegFacts,
): LegFacts {
  let facts = emptyFacts()
  if (lastAnswerAt === null) return facts
  for (const { firstSeenAt, lastSeenAt, records } of observations) {
    if (firstSeenAt > lastAnswerAt) break
    ;({ facts } = foldAnswer(facts, leg, records, firstSeenAt))
    const seenAt = earlier(lastSeenAt, lastAnswerAt)
    // A run of equal answers folds like its first and its last.
    if (seenAt > firstSeenAt) ({ facts } = foldAnswer(facts, leg, records, seenAt))
  }
  return facts
}
