/** `groundstop reviews list|show`. */
import { Option, type Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createReviewEvidence } from '../../db/stores/review-evidence.ts'
import { explainReview } from '../../domain/explain-review.ts'
import type { ListedReview, ReviewFilter } from '../../domain/ports/review-list.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import type { CliContext } from '../context.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { isUuid, searchText } from '../text-arguments.ts'
import {
  addPageOptions,
  addReadOptions,
  addTenantOption,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from './reading.ts'
import { reviewPageLines } from './review-page.ts'

type ListFlags = PageFlags & Pick<ReviewFilter, 'state' | 'reason' | 'subjectKind'>

/** Adds `list` and `show` to `reviews`. */
export function addReviewReads(reviews: Command, context: CliContext): void {
  addTenantOption(addPageOptions(reviews.command('list')))
    .description('list review cases, what waits for people first')
    .addOption(new Option('--state <state>').choices(['OPEN', 'CLAIMED', 'ESCALATED', 'RESOLVED']))
    .option('--reason <code>', 'as NO_FINAL_DATA', searchText(64))
    .option('--subject-kind <kind>', 'leg, policy, payout or another', searchText(64))
    .action((flags: ListFlags) => {
      const { state, reason, subjectKind } = flags
      return printRead(context, flags, {
        what: 'review',
        from: ({ reads }) => reads.reviews.list({ state, reason, subjectKind }, flags),
        lines: (page) => pageLines(page, lines),
      })
    })
  addTenantOption(addReadOptions(reviews.command('show')))
    .description('print one case with its evidence and what each outcome would pay')
    .argument('<case>', 'id of the case')
    .action((caseId: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `review case ${caseId}`,
        from: async ({ db, house }) => {
          const input = isUuid(caseId) ? await createReviewEvidence(db).read(caseId) : null
          const now = await createVirtualClock(createClockStore(house)).now()
          return input === null ? null : explainReview({ ...input, now })
        },
        lines: reviewPageLines,
      }),
    )
}

function lines(items: readonly ListedReview[]): string[] {
  return tableLines(
    ['case', 'state', 'reason', 'about', 'opened, UTC', 'resolved, UTC'],
    items.map((review) => [
      review.caseId,
      review.state,
      review.reason,
      `${review.subject.kind} ${review.subject.name ?? review.subject.id}`,
      timeText(review.openedAt),
      timeText(review.resolvedAt),
    ]),
  )
}
