/** What operators have been told: one open episode per key, told again only after its window. */
import type { NotificationChannel } from '../notification.ts'
import type { OperatorNotice } from '../messages/render.ts'

/** A notice as it is to be queued. */
export type NewOperatorNotice = {
  /** What it is about: `job:reconciliation`, `book:broken`. At most 200 characters, no personal data. */
  readonly key: string
  readonly notice: OperatorNotice
  readonly channels: readonly NotificationChannel[]
  readonly templateVersion: number
  /** An open episode is told again only after this, wall milliseconds. */
  readonly windowMs: number
}

/** Whether it is told now: queued, or the same trouble was told lately, or there is nothing to recover. */
export type NoticeOutcome = 'queued' | 'told-before' | 'nothing-open'

/** Stores notices and queues their messages, in one transaction. */
export interface OperatorNoticeStore {
  tell(notice: NewOperatorNotice): Promise<NoticeOutcome>
}
