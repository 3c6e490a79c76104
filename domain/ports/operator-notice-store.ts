/** What operators have been told: one open episode per key, told again only after its window. */
import type { NotificationChannel } from '../notification.ts'
import type { OperatorNotice } from '../messages/render.ts'
import type { Instant } from '../time.ts'

/** A notice as it is to be queued. */
export type NewOperatorNotice = {
  /** What it is about: `job:reconciliation`, `book:broken`. At most 200 characters, no personal data. */
  readonly key: string
  readonly notice: OperatorNotice
  readonly channels: readonly NotificationChannel[]
  /** Whom it goes to: the owner of a job, or `operators`. */
  readonly toRef: string
  /** Recorded in the audit trail with the message, as `alert.told` or `alert.recovered`; null is not. */
  readonly audit: NoticeAudit | null
  readonly templateVersion: number
  /** An open episode is told again only after this, wall milliseconds. */
  readonly windowMs: number
}

/** What the audit trail says of a message. `at` is business time. */
export type NoticeAudit = { readonly at: Instant; readonly subject: string }

/** Whether it is told now: queued, or the same trouble was told lately, or there is nothing to recover. */
export type NoticeOutcome = 'queued' | 'told-before' | 'nothing-open'

/** Stores notices and queues their messages, in one transaction. */
export interface OperatorNoticeStore {
  tell(notice: NewOperatorNotice): Promise<NoticeOutcome>
}
