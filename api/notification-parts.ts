/** Builds what the routes of notifications and contacts work with. */
import { createContactStore } from '../db/stores/contact-store.ts'
import { createExplanationSource } from '../db/stores/explanation-source.ts'
import { createNotificationControlStore } from '../db/stores/notification-control-store.ts'
import { createNotificationReads } from '../db/stores/notification-reads.ts'
import { importContacts } from '../operations/import-contacts.ts'
import { showNotification } from '../operations/show-notification.ts'
import type { ApiParts } from './parts.ts'
import type { ContactsDeps } from './rest/contacts.ts'
import type { NotificationsDeps } from './rest/notifications.ts'

/** Lists, shows and changes notifications. */
export function notificationsOf({
  db,
  keys,
}: Pick<ApiParts, 'db' | 'keys'>): NotificationsDeps['notifications'] {
  const notificationReads = createNotificationReads(db, keys)
  const deps = { notificationReads, explanations: createExplanationSource(db) }
  return {
    list: (filter, page) => notificationReads.list(filter, page),
    show: (notificationId) => showNotification(deps, notificationId),
    ...createNotificationControlStore(db),
  }
}

/** Takes contacts in and erases them. */
export function contactsOf({ db, keys }: Pick<ApiParts, 'db' | 'keys'>): ContactsDeps['contacts'] {
  const contactStore = createContactStore(db, keys)
  return {
    import: (rows, from) => importContacts({ ...from, contactStore }, rows),
    erase: (holderRef, note) => contactStore.erase(holderRef, note),
  }
}
