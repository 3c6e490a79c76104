/** What callers of a tenant see and do of its holders: messages, contacts, requests of persons. */
import { createExplanationSource } from '../db/stores/explanation-source.ts'
import { createNotificationReads } from '../db/stores/notification-reads.ts'
import { createPrivacyRequestStore } from '../db/stores/privacy-request-store.ts'
import type { TenantSight } from '../domain/ports/tenant-sight.ts'
import { PrivacyRefusedError } from '../operations/manage-privacy-requests.ts'
import { showNotification } from '../operations/show-notification.ts'
import type { AppDeps } from './app.ts'
import type { TenantParts } from './tenant-doors.ts'

/** The doors to a tenant's holders. */
export function personsOf(
  parts: TenantParts,
  sight: TenantSight,
): Pick<AppDeps, 'notifications' | 'contacts' | 'privacy'> {
  const { tenant, house } = parts
  return {
    notifications: toldOf(parts, sight),
    contacts: {
      import: (rows, from) => house.contacts.import(rows, { ...from, tenant }),
      erase: async (holderRef, note) =>
        (await sight.holder(holderRef)) && house.contacts.erase(holderRef, note),
    },
    privacy: privacyOf(parts, sight),
  }
}

function toldOf({ db, keys, house }: TenantParts, sight: TenantSight): AppDeps['notifications'] {
  const notificationReads = createNotificationReads(db, keys)
  const deps = { notificationReads, explanations: createExplanationSource(db) }
  const change =
    (kind: 'resend' | 'suppress'): AppDeps['notifications'][typeof kind] =>
    async (notificationId, note) =>
      (await sight.notification(notificationId))
        ? house.notifications[kind](notificationId, note)
        : { kind: 'not-found' }
  return {
    list: (filter, page) => notificationReads.list(filter, page),
    show: (notificationId) => showNotification(deps, notificationId),
    resend: change('resend'),
    suppress: change('suppress'),
  }
}

/** Requests are about the tenant's holders; a copy has no more of a person than their token's policies. */
function privacyOf({ db, house }: TenantParts, sight: TenantSight): AppDeps['privacy'] {
  const own = createPrivacyRequestStore(db)
  const seen = async (requestId: string): Promise<void> => {
    if (await sight.privacyRequest(requestId)) return
    throw new PrivacyRefusedError('NOT_FOUND', `there is no request ${requestId}`)
  }
  return {
    ...house.privacy,
    find: (requestId) => own.find(requestId),
    list: (filter, page) => own.list(filter, page),
    async receive(ask) {
      if (await sight.holder(ask.holderRef)) return house.privacy.receive(ask)
      throw new PrivacyRefusedError('NO_HOLDER', 'no holder of yours has this token')
    },
    async refuse(requestId, note) {
      await seen(requestId)
      return house.privacy.refuse(requestId, note)
    },
    async putLink(requestId, note) {
      await seen(requestId)
      return house.privacy.putLink(requestId, note)
    },
  }
}
