/** Events with their objects as they were when it happened, whatever became of them since. */
import type { Book } from './book.ts'
import { renderPayout } from './payout.ts'
import { renderEvent, type RailEvent } from './rail-events.ts'
import { renderTransfer } from './transfer.ts'

/** The event's JSON. Throws when its object is not in the book: a defect. */
export function renderEventOf(book: Book, event: RailEvent): string {
  const { objectId, created } = event
  const payout = book.payoutById(objectId)
  if (payout !== null) return renderEvent(event, renderPayout(payout, created))
  const transfer = book.byId(objectId)
  if (transfer === null) throw new Error(`event of ${objectId}, which is not in the book`)
  const reversals = event.type === 'transfer.created' ? [] : book.reversalsOf(transfer, created)
  return renderEvent(event, renderTransfer(transfer, reversals))
}
