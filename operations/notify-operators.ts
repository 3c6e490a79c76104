/** Tells operators of trouble, and when it is over: by every channel they have, and not over and over. */
import { OPERATOR_CHANNELS, TEMPLATE_VERSIONS } from '../domain/notification.ts'
import type { OperatorNotice } from '../domain/messages/render.ts'
import type {
  NewOperatorNotice,
  NoticeAudit,
  NoticeOutcome,
  OperatorNoticeStore,
} from '../domain/ports/operator-notice-store.ts'
import { HOUR_MS } from '../domain/time.ts'

/** What telling works over. */
export type NotifyOperatorsDeps = { readonly operatorNoticeStore: OperatorNoticeStore }

/** What is told. */
export type OperatorMessage = OperatorNotice & {
  /**
   * What it is about, the same every time: `job:reconciliation:failed`, `book:broken`. Reports with the
   * same key are one episode until a `recovered` one ends it.
   */
  readonly key: string
  /** Within this an open episode is not told again; wall milliseconds. Default an hour. */
  readonly windowMs?: number
  /** Whom it goes to, and how; all operators by all their channels when left out. */
  readonly to?: { readonly owner: string; readonly channels: NewOperatorNotice['channels'] }
  /** Recorded in the audit trail when it is told; not when left out. */
  readonly audit?: NoticeAudit
}

/** Whom a notice goes to that names nobody. */
const EVERY_OPERATOR = { owner: 'operators', channels: OPERATOR_CHANNELS }

/** Longer texts are a log, and logs are elsewhere. */
const TEXT_LIMIT = 4_000
const SUBJECT_LIMIT = 200
const KEY_LIMIT = 200

/**
 * Queues a message to operators unless the same trouble was told within the window. `recovered` ends
 * the key's episode and is told only when one is open. Texts are ours and hold no personal data. Safe
 * to repeat and to call at once: an episode and its messages have deterministic ids.
 */
export async function notifyOperators(
  { operatorNoticeStore }: NotifyOperatorsDeps,
  message: OperatorMessage,
): Promise<NoticeOutcome> {
  const { key, severity, subject, text, windowMs = HOUR_MS, to = EVERY_OPERATOR } = message
  if (key === '' || key.length > KEY_LIMIT) {
    throw new RangeError(`a notice's key has 1 to ${KEY_LIMIT} characters`)
  }
  return operatorNoticeStore.tell({
    key,
    notice: {
      severity,
      subject: subject.slice(0, SUBJECT_LIMIT),
      text: text.slice(0, TEXT_LIMIT),
    },
    channels: to.channels,
    toRef: to.owner,
    audit: message.audit ?? null,
    templateVersion: TEMPLATE_VERSIONS['operator-notice'],
    windowMs,
  })
}
