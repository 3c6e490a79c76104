/** Builds what the routes of notifications and contacts work with. */
import type { Database } from '../db/client.ts'
import { createContactStore } from '../db/stores/contact-store.ts'
import { createExplanationSource } from '../db/stores/explanation-source.ts'
import { createNotificationControlStore } from '../db/stores/notification-control-store.ts'
import { createNotificationReads } from '../db/stores/notification-reads.ts'
import { importContacts } from '../operations/import-contacts.ts'
import { showNotification } from '../operations/show-notification.ts'
import type { ContactsDeps } from './rest/contacts.ts'
import type { NotificationsDeps } from './rest/notifications.ts'

/** Lists, shows and changes notifications. */
export function notificationsOf(db: Database): NotificationsDeps['notifications'] {
  const notificationReads = createNotificationReads(db)
  const deps = { notificationReads, explanations: createExplanationSource(db) }
  return {
    list: (filter, page) => notificationReads.list(filter, page),
    show: (notificationId) => showNotification(deps, notificationId),
    ...createNotificationControlStore(db),
  }
}

/** Takes contacts in and erases them. */
export function contactsOf(db: Database): ContactsDeps['contacts'] {
  const contactStore = createContactStore(db)
  return {
    import: (rows, by) => importContacts({ contactStore, by }, rows),
    erase: (holderRef, note) => contactStore.erase(holderRef, note),
  }
}
