/**
 * Looks whether late data decides policies that wait for people: asks the provider once about the leg of
 * a case, folds the answer as every poll does, and lets the rules speak. What they leave open stays
 * with people.
 */
import { decide } from '../domain/decision.ts'
import type { LegFacts, WatchedLeg } from '../domain/leg-facts.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { DecisionStore, NewEvaluation } from '../domain/ports/decision-store.ts'
import type { FlightDataProvider } from '../domain/ports/flight-data-provider.ts'
import type { LegStore } from '../domain/ports/leg-store.ts'
import type { ReviewDecisions } from '../domain/ports/review-decisions.ts'
import type { ReviewTending } from '../domain/ports/review-tending.ts'
import type { DecidedByData, ReviewGroup } from '../domain/review-case.ts'
import type { Instant } from '../domain/time.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'
import { pollLeg } from './poll-leg-shard.ts'

/** What looking works over. */
export type SeekEvidenceDeps = {
  readonly legStore: Pick<LegStore, 'loadForPolling' | 'savePolls'>
  readonly flightData: Pick<FlightDataProvider, 'id' | 'getStatus'>
  readonly decisionStore: Pick<DecisionStore, 'saveEvaluations'>
  readonly reviewDecisions: Pick<ReviewDecisions, 'read'>
  readonly reviewTending: Pick<ReviewTending, 'decideByData'>
  readonly clock: Clock
}

const NOTHING: DecidedByData = { paid: 0, denied: 0, isClosed: false }

/** Looks once. Repeatable; a person who decides at the same moment wins or finds the case closed. */
export async function seekEvidence(
  deps: SeekEvidenceDeps,
  input: { readonly caseId: string; readonly legId: string },
  options: { readonly signal?: AbortSignal } = {},
): Promise<DecidedByData> {
  const { legStore, reviewDecisions, clock } = deps
  const { caseId, legId } = input
  const [stored] = await legStore.loadForPolling([legId])
  if (stored === undefined) return NOTHING
  const { poll } = await pollLeg(deps, stored, options.signal)
  await legStore.savePolls([poll])
  // What another poll wrote meanwhile counts as well.
  const [leg] = await legStore.loadForPolling([legId])
  const snapshot = await reviewDecisions.read(caseId)
  if (leg === undefined || snapshot === null) return NOTHING
  const now = await clock.now()
  const evaluations = snapshot.groups.flatMap((group) =>
    evaluate(leg, group, now, snapshot.isLegWatched),
  )
  if (evaluations.length === 0) return NOTHING
  const evaluationIds = await deps.decisionStore.saveEvaluations(evaluations)
  return deps.reviewTending.decideByData(caseId, evaluationIds, now)
}

type EvidencedLeg = {
  readonly legId: string
  readonly leg: WatchedLeg
  readonly facts: LegFacts
}

/** Nothing is denied while others of the leg are watched: an expired policy's leg is settled. */
function evaluate(
  { legId, leg, facts }: EvidencedLeg,
  { product, productVersionId, insuredScheduledIn }: ReviewGroup,
  now: Instant,
  isLegWatched: boolean,
): NewEvaluation[] {
  const decision = decide({ leg, facts, insuredScheduledIn, product, now })
  if (decision.outcome === 'NOT_YET' || decision.outcome === 'REVIEW') return []
  if (decision.outcome === 'NO_PAY' && isLegWatched) return []
  const text = canonicalJson(facts)
  return [
    {
      legId,
      productVersionId,
      insuredScheduledIn,
      facts: text,
      factsSha256: sha256(text),
      decision,
      tzdataVersion: process.versions['tz'] ?? 'unknown',
      evaluatedAt: now,
    },
  ]
}
