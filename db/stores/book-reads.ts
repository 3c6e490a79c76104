/** Everything that people read of the book, over one database: for the API and the command line alike. */
import type { AuditLog } from '../../domain/ports/audit-log.ts'
import type { BookFigures } from '../../domain/ports/book-figures.ts'
import type { ExplanationSource } from '../../domain/ports/explanation-source.ts'
import type { LedgerReads } from '../../domain/ports/ledger-reads.ts'
import type { LegReads } from '../../domain/ports/leg-reads.ts'
import type { PayoutReads } from '../../domain/ports/payout-reads.ts'
import type { PolicyEvaluationReads } from '../../domain/ports/policy-evaluations.ts'
import type { PolicyList } from '../../domain/ports/policy-list.ts'
import type { ReviewList } from '../../domain/ports/review-list.ts'
import type { Database } from '../client.ts'
import { createAuditLog } from './audit-log.ts'
import { createBookFigures } from './book-figures.ts'
import { createExplanationSource } from './explanation-source.ts'
import { createLedgerReads } from './ledger-reads.ts'
import { createLegReads } from './leg-reads.ts'
import { createPayoutReads } from './payout-reads.ts'
import { createPolicyEvaluationReads } from './policy-evaluations.ts'
import { createPolicyList } from './policy-list.ts'
import { createReviewList } from './review-list.ts'

/** The readers. */
export type BookReads = {
  readonly audit: AuditLog
  readonly policies: PolicyList
  readonly legs: LegReads
  readonly payouts: PayoutReads
  readonly reviews: ReviewList
  readonly ledger: LedgerReads
  readonly figures: BookFigures
  readonly explanations: ExplanationSource
  readonly evaluations: PolicyEvaluationReads
}

/** The readers over this database. */
export function createBookReads(db: Database): BookReads {
  return {
    audit: createAuditLog(db),
    policies: createPolicyList(db),
    legs: createLegReads(db),
    payouts: createPayoutReads(db),
    reviews: createReviewList(db),
    ledger: createLedgerReads(db),
    figures: createBookFigures(db),
    explanations: createExplanationSource(db),
    evaluations: createPolicyEvaluationReads(db),
  }
}
