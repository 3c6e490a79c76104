/** `groundstop reviews list`. */
import { Option, type Command } from 'commander'

import type { ListedReview, ReviewFilter } from '../../domain/ports/review-list.ts'
import type { CliContext } from '../context.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { addPageOptions, pageLines, printRead, type PageFlags } from './reading.ts'

type ListFlags = PageFlags & Pick<ReviewFilter, 'state' | 'reason' | 'subjectKind'>

/** Adds `list` to `reviews`. */
export function addReviewReads(reviews: Command, context: CliContext): void {
  addPageOptions(reviews.command('list'))
    .description('list review cases, what waits for people first')
    .addOption(new Option('--state <state>').choices(['OPEN', 'CLAIMED', 'ESCALATED', 'RESOLVED']))
    .option('--reason <code>', 'as NO_FINAL_DATA')
    .option('--subject-kind <kind>', 'leg, policy, payout or another')
    .action((flags: ListFlags) => {
      const { state, reason, subjectKind } = flags
      return printRead(context, flags, {
        what: 'review',
        from: ({ reads }) => reads.reviews.list({ state, reason, subjectKind }, flags),
        lines: (page) => pageLines(page, lines),
      })
    })
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
