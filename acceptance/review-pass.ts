/** Has the scripted reviewer decide every open case about legs and policies, through the product's own door. */
import type { Database } from '../db/client.ts'
import { readOpenCases } from './instance-books.ts'
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

/** Decides the cases, one after another as a person does. */
export async function reviewByOracle(
  instance: { readonly db: Database; readonly apiUrl: string },
  book: AcceptanceBook,
): Promise<ReviewPass> {
  const legs = new Map(book.legs.map((leg) => [leg.key, leg]))
  const refused: string[] = []
  const cases = await readOpenCases(instance.db)
  for (const { caseId, legKey, policyNumbers } of cases) {
    const leg = legs.get(legKey)
    if (leg === undefined)
      throw new Error(`case ${caseId} is about ${legKey}, which nobody insured`)
    const owed = policyNumbers.flatMap((number) => book.owed.get(number) ?? [])
    const refusal = await decide(instance.apiUrl, caseId, reviewerDecision(leg, owed))
    if (refusal !== null) refused.push(`${legKey}: ${refusal}`)
  }
  return { cases: cases.length, refused }
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
