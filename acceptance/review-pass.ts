/** Has the scripted reviewer decide every open case about legs and policies, through the product's own door. */
import type { Database } from '../db/client.ts'
import { readCorrected, readDisputed, readOpenCases, type DoubtedPolicy } from './instance-books.ts'
import type { AcceptanceBook } from './oracle/book.ts'
import { owedMoreOf, reviewerDecision, type ReviewerDecision } from './oracle/reviewer.ts'

/** What the pass came to. */
export type ReviewPass = {
  readonly cases: number
  /** Policies that were decided too low and got the rest, as their leg was corrected later. */
  readonly corrected: number
  /** Cases that the product did not let be decided, with its words. */
  readonly refused: readonly string[]
}

/** Who the audit trail says it was. */
const REVIEWER = 'acceptance reviewer'

type Instance = { readonly db: Database; readonly apiUrl: string }

/**
 * Decides the cases, one after another as a person does: a decision may leave nothing of a later one.
 * Then disputes and corrections: paid when more is owed than was paid, denied otherwise.
 */
export async function reviewByOracle(
  instance: Instance,
  book: AcceptanceBook,
): Promise<ReviewPass> {
  const { db, apiUrl } = instance
  const legs = new Map(book.legs.map((leg) => [leg.key, leg]))
  const refused: string[] = []
  const seen = new Set<string>()
  for (;;) {
    const next = (await readOpenCases(db)).find(({ caseId }) => !seen.has(caseId))
    if (next === undefined) break
    seen.add(next.caseId)
    const leg = legs.get(next.legKey)
    if (leg === undefined) throw new Error(`nobody insured ${next.legKey}, case ${next.caseId}`)
    const owed = next.policyNumbers.flatMap((number) => book.owed.get(number) ?? [])
    const refusal = await decide(apiUrl, next.caseId, reviewerDecision(leg, owed))
    if (refusal !== null) refused.push(`${next.legKey}: ${refusal}`)
  }
  const disputed = await decideDoubts(instance, book, await readDisputed(db))
  const corrected = await decideDoubts(instance, book, await readCorrected(db))
  return {
    cases: seen.size + disputed.cases + corrected.cases,
    corrected: corrected.raised,
    refused: [...refused, ...disputed.refused, ...corrected.refused],
  }
}

type Doubts = {
  readonly cases: number
  /** Policies that got more. */
  readonly raised: number
  readonly refused: readonly string[]
}

/** Decides the cases of these policies. */
async function decideDoubts(
  { apiUrl }: Instance,
  book: AcceptanceBook,
  doubted: readonly DoubtedPolicy[],
): Promise<Doubts> {
  const legs = new Map(book.legs.map((leg) => [leg.key, leg]))
  const cases = Map.groupBy(doubted, ({ caseId }) => caseId)
  const refused: string[] = []
  let raised = 0
  for (const [caseId, policies] of cases) {
    const legKey = policies[0]?.legKey ?? ''
    const leg = legs.get(legKey)
    if (leg === undefined) throw new Error(`nobody insured ${legKey}, case ${caseId}`)
    const owedMore = owedMoreOf(policies, book.owed)
    const refusal = await decide(apiUrl, caseId, reviewerDecision(leg, owedMore))
    if (refusal === null) raised += owedMore.length
    else refused.push(`${legKey}: ${refusal}`)
  }
  return { cases: cases.size, raised, refused }
}

/** Null when it was carried out. */
async function decide(
  apiUrl: string,
  caseId: string,
  decision: ReviewerDecision,
): Promise<string | null> {
  const response = await fetch(new URL(`/api/reviews/${caseId}/decide`, apiUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `accept-${caseId}` },
    body: JSON.stringify({ by: REVIEWER, reason: 'as the carrier reported', ...decision }),
  })
  return response.ok ? null : `${response.status} ${await response.text()}`
}
