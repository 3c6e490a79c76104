/** One notification as it would read now, for people. The address is not part of it. */
import type { RenderedMessage } from '../domain/messages/render.ts'
import type { ListedNotification, NotificationReads } from '../domain/ports/notification-reads.ts'
import { composeMessage, type ComposeDeps } from './compose-message.ts'

/** What is shown. `message` is null when what it tells is not true any more. */
export type ShownNotification = ListedNotification & { readonly message: RenderedMessage | null }

/** The notification with its words; null when there is none. */
export async function showNotification(
  deps: ComposeDeps & { readonly notificationReads: NotificationReads },
  notificationId: string,
): Promise<ShownNotification | null> {
  const found = await deps.notificationReads.find(notificationId)
  if (found === null) return null
  const composed = await composeMessage(deps, found.message)
  if (composed === null) return { ...found.listed, message: null }
  const { subject, text, html, short } = composed
  return { ...found.listed, message: { subject, text, html, short } }
}
