/**
 * Decides legs: evaluates once per leg, product version and insured arrival, then has the decision
 * carried out on the policies in pages. Starts no payment by itself.
 */
import { decideBySources } from '../domain/decide-by-sources.ts'
import { DECISION_REVISION } from '../domain/decision-revision.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  AppliedPage,
  DecisionGroup,
  DecisionStore,
  NewEvaluation,
} from '../domain/ports/decision-store.ts'
import { MAX_LEG_PAGE } from '../domain/ports/leg-store.ts'
import type { Instant } from '../domain/time.ts'
import { canonicalJson, sha256 } from './canonical-json.ts'

/** What deciding works over. */
export type DecideLegsDeps = { readonly decisionStore: DecisionStore; readonly clock: Clock }

/** Progress and cancellation. */
export type DecideLegsOptions = {
  /** Checked between pages; what was decided stays decided. */
  readonly signal?: AbortSignal
  /** Policies decided, of those found decidable so far. */
  readonly onProgress?: (done: number, total: number) => void
}

/** What was decided, by outcome. */
export type DecidedLegs = {
  /** Final decisions about groups of policies, also those stored by an earlier run. */
  readonly evaluations: number
  readonly policiesPaid: number
  readonly policiesNotPaid: number
  readonly policiesInReview: number
  readonly payoutsCreated: number
}

/** Policies per statement: about 50 ms of locks, and one heartbeat. */
const POLICIES_PER_PAGE = 500

/** What is to be stored, and how many policies it is about. */
export type Evaluated = { readonly evaluation: NewEvaluation; readonly policies: number }

/**
 * Decides what is decidable now and leaves the rest. Safe to repeat, to interrupt anywhere and to run
 * at once from many processes: each policy is decided once, by the facts stored at that moment.
 */
export async function decideLegs(
  deps: DecideLegsDeps,
  input: { readonly legIds: readonly string[] },
  options: DecideLegsOptions = {},
): Promise<DecidedLegs> {
  const legIds = [...new Set(input.legIds)]
  const total = {
    evaluations: 0,
    decidable: 0,
    paid: 0,
    notPaid: 0,
    inReview: 0,
    payoutsCreated: 0,
  }
  for (let start = 0; start < legIds.length; start += MAX_LEG_PAGE) {
    options.signal?.throwIfAborted()
    const groups = await deps.decisionStore.loadGroups(legIds.slice(start, start + MAX_LEG_PAGE))
    const now = await deps.clock.now()
    const evaluated = groups.flatMap((group) => evaluate(group, now))
    total.evaluations += evaluated.length
    for (const { policies } of evaluated) total.decidable += policies
    for (const pack of packs(evaluated)) {
      const evaluations = pack.map(({ evaluation }) => evaluation)
      const evaluationIds = await deps.decisionStore.saveEvaluations(evaluations)
      for await (const applied of applyPages(deps, evaluationIds, now, options.signal)) {
        total.paid += applied.paid
        total.notPaid += applied.notPaid
        total.inReview += applied.inReview
        total.payoutsCreated += applied.payoutsCreated
        const done = total.paid + total.notPaid + total.inReview
        options.onProgress?.(done, total.decidable)
      }
    }
  }
  const { evaluations, paid, notPaid, inReview, payoutsCreated } = total
  return {
    evaluations,
    policiesPaid: paid,
    policiesNotPaid: notPaid,
    policiesInReview: inReview,
    payoutsCreated,
  }
}

/** The evaluation of a group that is decidable now; none of one that is not. */
export function evaluate(group: DecisionGroup, now: Instant): Evaluated[] {
  const decision = decideBySources({ ...group, now })
  if (decision.outcome === 'NOT_YET') return []
  const facts = canonicalJson(group.facts)
  const secondFacts = group.second === null ? null : canonicalJson(group.second)
  const evaluation = {
    legId: group.legId,
    productVersionId: group.productVersionId,
    insuredScheduledIn: group.insuredScheduledIn,
    facts,
    secondFacts,
    factsSha256: sha256(secondFacts === null ? facts : `${facts}\n${secondFacts}`),
    decision,
    tzdataVersion: process.versions['tz'] ?? 'unknown',
    decisionRevision: DECISION_REVISION,
    evaluatedAt: now,
  }
  return [{ evaluation, policies: group.policies }]
}

/** Groups of up to a page of policies together; a group of more than a page stands alone. */
function* packs(evaluated: readonly Evaluated[]): Generator<Evaluated[]> {
  let pack: Evaluated[] = []
  let policies = 0
  for (const one of evaluated) {
    if (pack.length > 0 && policies + one.policies > POLICIES_PER_PAGE) {
      yield pack
      pack = []
      policies = 0
    }
    pack.push(one)
    policies += one.policies
  }
  if (pack.length > 0) yield pack
}

async function* applyPages(
  { decisionStore }: DecideLegsDeps,
  evaluationIds: readonly string[],
  now: Instant,
  signal: AbortSignal | undefined,
): AsyncGenerator<AppliedPage, void> {
  let after: string | null = null
  do {
    signal?.throwIfAborted()
    const limit = POLICIES_PER_PAGE
    const applied: AppliedPage = await decisionStore.applyPage({ evaluationIds, after, limit, now })
    yield applied
    after = applied.next
  } while (after !== null)
}
