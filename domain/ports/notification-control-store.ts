/** What people do to notifications, with its audit trail. */

/** Who, and why. */
export type NotificationNote = { readonly by: string; readonly reason: string }

/** What became of a request. `conflict`: its state does not allow it; `state` is the present one. */
export type ControlOutcome =
  | { readonly kind: 'done'; readonly notificationId: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'conflict'; readonly state: string }

/** Changes notifications, each with an audit event in the same transaction. */
export interface NotificationControlStore {
  /** Queues the same again, to the holder's present address: a new notification. Not while it is queued. */
  resend(notificationId: string, note: NotificationNote): Promise<ControlOutcome>
  /** Takes a queued one out of the queue for good. */
  suppress(notificationId: string, note: NotificationNote): Promise<ControlOutcome>
}
