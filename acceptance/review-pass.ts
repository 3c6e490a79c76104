/** Has the scripted reviewer decide every open case about legs and policies, through the product's own door. */
import type { Database } from '../db/client.ts'
import { readDisputed, readOpenCases } from './instance-books.ts'
import type { AcceptanceBook } from './oracle/book.ts'
import { reviewerDecision, type ReviewerDecision } from './oracle/reviewer.ts'

/** What the pass came to. */
export type ReviewPass = {
  readonly cases: number
  /** Cases that the product did not let be decided, with its words. */
  readonly refused: readonly string[]
}

/** Who the audit trail says it was. */
const REVIEWER = 'acceptance reviewer'

/**
 * Decides the cases, one after another as a person does: a decision may leave nothing of a later one. A
 * dispute is closed when the lower tier was right; when more is owed it stays open.
 */
export async function reviewByOracle(
  instance: { readonly db: Database; readonly apiUrl: string },
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
  for (const [caseId, policies] of Map.groupBy(await readDisputed(db), (one) => one.caseId)) {
    const isOwedMore = policies.some(({ policyNumber, bps }) => {
      return (book.owed.get(policyNumber)?.bps ?? 0) > bps
    })
    if (isOwedMore) continue
    seen.add(caseId)
    const refusal = await decide(apiUrl, caseId, { outcome: 'deny' })
    if (refusal !== null) refused.push(`dispute ${caseId}: ${refusal}`)
  }
  return { cases: seen.size, refused }
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
