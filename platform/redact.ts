/**
 * Makes a value fit to be written down: secrets and personal data become `[redacted]`, cycles and
 * huge values are cut. Pure; the logger applies it to every line.
 */

/** What stands in the place of a secret. */
export const REDACTED = '[redacted]'

/** Deeper than this a value is replaced by its kind: a log line is not a dump. */
const DEPTH_LIMIT = 6
/** Longer texts are cut: one line must not fill a log page. */
const TEXT_LIMIT = 8_192
/** More members than this are counted, not listed. */
const MEMBERS_LIMIT = 200

/** Names, lower case without separators, whose value is a secret or tells who somebody is. */
const SENSITIVE_NAMES = new Set([
  'address',
  'accountnumber',
  'card',
  'cardnumber',
  'connectionstring',
  'credentials',
  'cvc',
  'databaseurl',
  'dateofbirth',
  'displayname',
  'email',
  'emailaddress',
  'endpoint',
  'firstname',
  'fullname',
  'holder',
  'holdername',
  'iban',
  'lastname',
  'p256dh',
  'passenger',
  'passengername',
  'payee',
  'payeeref',
  'phone',
  'phonenumber',
  'privatekey',
  'recipient',
  'slackwebhookurl',
  'smtpurl',
  'webhookurl',
])

/** Endings that make a name a secret: `apiToken`, `STRIPE_API_KEY`, `set-cookie`. */
const SENSITIVE_ENDINGS = [
  'apikey',
  'authorization',
  'cookie',
  'passphrase',
  'password',
  'secret',
  'signingkey',
  'token',
]

/** Shapes of secrets and of personal data inside free text, with what replaces them. */
const SENSITIVE_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic|DPoP) +[A-Za-z0-9._~+/=-]+/g, `$1 ${REDACTED}`],
  [/\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_]{8,}/g, REDACTED],
  [/\bgsk_[A-Za-z0-9_-]{8,}/g, REDACTED],
  [/(\bhooks\.slack\.com\/services\/)[A-Za-z0-9/_-]+/g, `$1${REDACTED}`],
  // A phone number with its country (E.164).
  [/(?<![\w+.-])\+[1-9]\d{7,14}\b/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, REDACTED],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/:@]*:[^\s/@]+@/gi, `$1${REDACTED}@`],
  [/\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b/g, REDACTED],
]

function isSensitiveName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return SENSITIVE_NAMES.has(plain) || SENSITIVE_ENDINGS.some((ending) => plain.endsWith(ending))
}

/** The text without secrets, cut to a bounded length. */
export function redactText(text: string): string {
  const bounded = text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}... (cut)` : text
  return SENSITIVE_TEXT.reduce((clean, [shape, by]) => clean.replaceAll(shape, by), bounded)
}

function redactError(error: Error, seen: ReadonlySet<object>): Record<string, unknown> {
  const code = 'code' in error ? error.code : undefined
  const type = 'type' in error ? error.type : undefined
  return {
    name: error.name,
    message: redactText(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof type === 'string' ? { type } : {}),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redactAt(error.cause, seen) }),
  }
}

function redactObject(value: object, seen: ReadonlySet<object>): unknown {
  if (seen.has(value)) return '[circular]'
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (seen.size >= DEPTH_LIMIT) return Array.isArray(value) ? '[array]' : '[object]'
  const inner = new Set(seen).add(value)
  if (value instanceof Error) return redactError(value, inner)
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) {
    const shown = value.slice(0, MEMBERS_LIMIT).map((member) => redactAt(member, inner))
    return value.length > MEMBERS_LIMIT ? [...shown, `... ${value.length} in all`] : shown
  }
  if (value instanceof Map) return redactObject(Object.fromEntries(value), inner)
  if (value instanceof Set) return redactObject([...value], inner)
  const entries = Object.entries(value).slice(0, MEMBERS_LIMIT)
  return Object.fromEntries(
    entries.map(([name, member]) => [name, redactMember(name, member, inner)]),
  )
}

function redactMember(name: string, member: unknown, seen: ReadonlySet<object>): unknown {
  if (!isSensitiveName(name)) return redactAt(member, seen)
  // Absence and counts tell nothing and help to find a missing setting.
  return member === undefined || member === null || typeof member === 'boolean' ? member : REDACTED
}

function redactAt(value: unknown, seen: ReadonlySet<object>): unknown {
  switch (typeof value) {
    case 'string':
      return redactText(value)
    case 'bigint':
      return value.toString()
    case 'function':
    case 'symbol':
      return undefined
    case 'object':
      return value === null ? null : redactObject(value, seen)
    default:
      return value
  }
}

/**
 * A plain JSON copy of a value without secrets or personal data: by the name of a member, at any
 * depth, and by the shape of text (bearer tokens, provider keys, URLs with a password, e-mail).
 */
export function redact(value: unknown): unknown {
  return redactAt(value, new Set())
}
