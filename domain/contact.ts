/** Where a holder is reached: one row as given from outside, checked. Knows no files and no database. */
import { HOLDER_CHANNELS, MESSAGE_LOCALES } from './notification.ts'
import type { HolderChannel, MessageLocale } from './notification.ts'

/** A browser that a holder allowed us to push to, as its PushSubscription gives it. */
export type PushSubscription = {
  readonly endpoint: string
  readonly p256dh: string
  readonly auth: string
}

/** A holder's contact details. Personal data. */
export type Contact = {
  /** The policies' `payee_ref`. */
  readonly holderRef: string
  readonly displayName: string | null
  readonly email: string | null
  /** E.164: `+493012345678`. */
  readonly phone: string | null
  readonly locale: MessageLocale
  /** In the order of NOTIFICATION_CHANNELS. Empty: wants to be told nothing. */
  readonly channels: readonly HolderChannel[]
  /** One browser to add; those that are known stay. */
  readonly push: PushSubscription | null
}

/** A row as it came: CSV cells or the fields of a JSON object. */
export type RawContactRow = Readonly<Record<string, unknown>>

/** Columns of a contact; only the first must be filled. */
export const CONTACT_COLUMNS = [
  'holder_ref',
  'name',
  'email',
  'phone',
  'locale',
  'channels',
  'push_endpoint',
  'push_p256dh',
  'push_auth',
] as const

/** A column of a contact. */
export type ContactColumn = (typeof CONTACT_COLUMNS)[number]

/** Why a row cannot go in. The reason never repeats the value: it may be an address. */
export type ContactProblem = { readonly field: ContactColumn; readonly reason: string }

/** A contact, or everything that is wrong with it. */
export type ParsedContact =
  | { readonly ok: true; readonly contact: Contact }
  | { readonly ok: false; readonly problems: readonly ContactProblem[] }

// No spaces, brackets, commas or controls: nothing that could end a header line or add a recipient.
const EMAIL = /^[^\s@<>(),;:"'\\\p{C}]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])$/u
const PHONE = /^\+[1-9]\d{6,14}$/
/** The token that policies name their holder by. */
export const HOLDER_REF: RegExp = /^[^\s\p{C}]{1,255}$/u
const NAME = /^[^\p{C}<>"]{1,200}$/u
const P256DH = /^[A-Za-z0-9_-]{80,100}$/
const AUTH = /^[A-Za-z0-9_-]{16,32}$/
const ENDPOINT_LENGTH_LIMIT = 2_000

/**
 * Reads a row and reports every bad field at once. `channels` is a list such as `email|sms` (`none`
 * for no messages); without it a holder is told by every way that has an address.
 */
export function parseContactRow(raw: RawContactRow): ParsedContact {
  const problems: ContactProblem[] = []
  const read = <T>(field: ContactColumn, parse: (text: string) => T): T | null => {
    const value = Object.hasOwn(raw, field) ? raw[field] : undefined
    if (value === undefined || value === null || value === '') return null
    const text = typeof value === 'string' ? value.trim() : ''
    if (typeof value !== 'string') problems.push({ field, reason: 'is not text' })
    if (text === '') return null
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      problems.push({ field, reason: error.message })
      return null
    }
  }
  const holderRef = read('holder_ref', matching(HOLDER_REF, '1 to 255 characters without spaces'))
  if (holderRef === null && problems.length === 0) {
    problems.push({ field: 'holder_ref', reason: 'is missing' })
  }
  const email = read('email', matching(EMAIL, 'an e-mail address'))
  const phone = read('phone', (text) =>
    matching(PHONE, 'a phone number as +493012345678')(text.replaceAll(/[\s()./-]/g, '')),
  )
  const displayName = read('name', matching(NAME, 'a name of at most 200 characters'))
  const locale = read('locale', oneOf(MESSAGE_LOCALES)) ?? MESSAGE_LOCALES[0]
  const push = parsePush(read, problems)
  const chosen = read('channels', parseChannels)
  const reachable = HOLDER_CHANNELS.filter(
    (channel) => ({ email, sms: phone, push })[channel] !== null,
  )
  const channels = chosen ?? reachable
  if (problems.length > 0 || holderRef === null) return { ok: false, problems }
  return {
    ok: true,
    contact: { holderRef, displayName, email, phone, locale, channels, push },
  }
}

type Read = <T>(field: ContactColumn, parse: (text: string) => T) => T | null

/** All three parts, or none. */
function parsePush(read: Read, problems: ContactProblem[]): PushSubscription | null {
  const before = problems.length
  const endpoint = read('push_endpoint', parseEndpoint)
  const p256dh = read('push_p256dh', matching(P256DH, 'a public key in base64url'))
  const auth = read('push_auth', matching(AUTH, 'an authentication secret in base64url'))
  if (problems.length > before) return null
  const given = [endpoint, p256dh, auth].filter((part) => part !== null).length
  if (endpoint !== null && p256dh !== null && auth !== null) return { endpoint, p256dh, auth }
  if (given > 0) {
    const reason = 'needs push_p256dh and push_auth beside it, or none of the three'
    problems.push({ field: 'push_endpoint', reason })
  }
  return null
}

/** Push services are reached over TLS; plain HTTP only on this machine. */
function parseEndpoint(text: string): string {
  const url = URL.parse(text)
  const isLocal = url !== null && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLocal)
  if (!isSafe || text.length > ENDPOINT_LENGTH_LIMIT) {
    throw new RangeError("is not a push service's https address")
  }
  return text
}

function parseChannels(text: string): HolderChannel[] {
  if (text === 'none') return []
  const wanted = text.split(/[|\s;,]+/).map(oneOf(HOLDER_CHANNELS))
  return HOLDER_CHANNELS.filter((channel) => wanted.includes(channel))
}

function matching(pattern: RegExp, what: string): (text: string) => string {
  return (text) => {
    if (!pattern.test(text)) throw new RangeError(`is not ${what}`)
    return text
  }
}

function oneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((one) => one === text.toLowerCase())
    if (choice === undefined) throw new RangeError(`is not one of ${choices.join(', ')}`)
    return choice
  }
}
