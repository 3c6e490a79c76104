/**
 * Looks whether late data decides policies that wait for people: asks the provider once about the leg of
 * a case, folds the answer as every poll does, and lets the rules speak. What they leave open stays
 * with people.
 */
import type { DecisionStore, NewEvaluation } from '../domain/ports/decision-store.ts'
import type { LegStore, LegToPoll } from '../domain/ports/leg-store.ts'
import type { ReviewDecisions } from '../domain/ports/review-decisions.ts'
import type { ReviewTending } from '../domain/ports/review-tending.ts'
import type { DecidedByData, ReviewGroup } from '../domain/review-case.ts'
import type { Instant } from '../domain/time.ts'
import { evaluate } from './decide-legs.ts'
import { pollLeg, type PollLegDeps } from './poll-leg-shard.ts'

/** What looking works over. */
export type SeekEvidenceDeps = PollLegDeps & {
  readonly legStore: Pick<LegStore, 'loadForPolling' | 'savePolls'>
  readonly decisionStore: Pick<DecisionStore, 'saveEvaluations'>
  readonly reviewDecisions: Pick<ReviewDecisions, 'read'>
  readonly reviewTending: Pick<ReviewTending, 'decideByData'>
}

/** One leg is asked about; a slow second source is asked again at the next look. */
const SECOND_BUDGET_MS = 20_000

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
  const asked = await reviewDecisions.read(caseId)
  if (stored === undefined || asked === null) return NOTHING
  // The second source is asked where it matters for the policies of the case.
  const groups = [...stored.groups, ...asked.groups]
  const until = { signal: options.signal, budget: AbortSignal.timeout(SECOND_BUDGET_MS) }
  const { poll } = await pollLeg(deps, { ...stored, groups }, until)
  await legStore.savePolls([poll])
  // What another poll wrote meanwhile counts as well.
  const [leg] = await legStore.loadForPolling([legId])
  const snapshot = await reviewDecisions.read(caseId)
  if (leg === undefined || snapshot === null) return NOTHING
  const now = await clock.now()
  const evaluations = snapshot.groups.flatMap((group) =>
    evaluateGroup(leg, group, now, snapshot.isLegWatched),
  )
  if (evaluations.length === 0) return NOTHING
  const evaluationIds = await deps.decisionStore.saveEvaluations(evaluations)
  return deps.reviewTending.decideByData(caseId, evaluationIds, now)
}

/**
 * What the rules decide for people's policies. Nothing is denied while others of the leg are watched: an
 * expired policy's leg is settled. What one source alone says, or two dispute, is left to people.
 */
function evaluateGroup(
  { legId, leg, facts, second }: LegToPoll,
  { product, productVersionId, insuredScheduledIn }: ReviewGroup,
  now: Instant,
  isLegWatched: boolean,
): NewEvaluation[] {
  const shared = { legId, leg, facts, second, product, productVersionId, insuredScheduledIn }
  return evaluate({ ...shared, policies: 0 }, now)
    .map(({ evaluation }) => evaluation)
    .filter(({ decision }) => {
      if (decision.outcome === 'REVIEW') return false
      if (decision.outcome === 'NO_PAY') return !isLegWatched
      return decision.disputedBps === undefined && !decision.reasons.includes('SINGLE_SOURCE')
    })
}
