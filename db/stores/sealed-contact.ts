/** What names a person, as it is stored: one closed text for name and addresses, one for each browser. */
import type { Contact, PushSubscription } from '../../domain/contact.ts'
import { open, seal, type PersonKey } from '../../platform/person-seal.ts'
import type { PersonKeys, StoredPersonKey } from './person-keys.ts'

/** Name and addresses of a holder. */
export type ContactNames = Pick<Contact, 'displayName' | 'email' | 'phone'>

/** A contact's columns: closed, or readable from before there were keys. */
export type StoredNames = StoredPersonKey & {
  readonly sealed: Uint8Array | null
  readonly display_name: string | null
  readonly email: string | null
  readonly phone: string | null
}

/** A browser's columns. */
export type StoredBrowser = StoredPersonKey & {
  readonly sealed: Uint8Array | null
  readonly endpoint: string | null
  readonly p256dh: string | null
  readonly auth: string | null
}

const NOBODY: ContactNames = { displayName: null, email: null, phone: null }

/** A contact's names, closed. */
export function sealNames(key: PersonKey, holderRef: string, names: ContactNames): Buffer {
  const { displayName, email, phone } = names
  return seal(key, `contact|${holderRef}`, JSON.stringify([displayName, email, phone]))
}

/** A browser, closed. */
export function sealBrowser(key: PersonKey, holderRef: string, push: PushSubscription): Buffer {
  const { endpoint, p256dh, auth } = push
  return seal(key, `push|${holderRef}`, JSON.stringify([endpoint, p256dh, auth]))
}

/** A contact's names; of a person whose key is gone there are none. Throws KeyRingError, PersonSealError. */
export async function openNames(
  keys: PersonKeys,
  holderRef: string,
  stored: StoredNames,
): Promise<ContactNames> {
  const { sealed, display_name: displayName, email, phone } = stored
  if (sealed === null) return { displayName, email, phone }
  const key = await keys.keyOf(holderRef, stored)
  if (key === null) return NOBODY
  const [name, mail, number] = fieldsOf(open(key, `contact|${holderRef}`, sealed))
  return { displayName: name ?? null, email: mail ?? null, phone: number ?? null }
}

/** A browser; null when there is none, or its person's key is gone. Throws KeyRingError, PersonSealError. */
export async function openBrowser(
  keys: PersonKeys,
  holderRef: string,
  stored: StoredBrowser,
): Promise<PushSubscription | null> {
  const key = stored.sealed === null ? null : await keys.keyOf(holderRef, stored)
  const [endpoint, p256dh, auth] =
    stored.sealed === null || key === null
      ? [stored.endpoint, stored.p256dh, stored.auth]
      : fieldsOf(open(key, `push|${holderRef}`, stored.sealed))
  if (!isText(endpoint) || !isText(p256dh) || !isText(auth)) return null
  return { endpoint, p256dh, auth }
}

/** Written by the functions above alone. */
function fieldsOf(text: string): readonly (string | null)[] {
  return JSON.parse(text) as readonly (string | null)[]
}

function isText(field: string | null | undefined): field is string {
  return typeof field === 'string'
}
