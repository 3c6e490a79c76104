/** Where notifications leave: channels without their settings are suppressed, never guessed. */
import { z } from 'zod'

import type { ConfigProblem } from './config.ts'

/** What may be shown of the channels. */
export type NotifyConfig = {
  /** NOTIFY_FROM: the sender of e-mail. */
  readonly from: string | null
  /** NOTIFY_OPERATORS_EMAIL: whom operators' notices go to. */
  readonly operatorsEmail: string | null
  /** NOTIFY_WEBHOOK_KEYS_FILE: a key ring that the webhook's requests are signed with. */
  readonly webhookKeysFile: string | null
  /** VAPID_PUBLIC_KEY, VAPID_SUBJECT (default `mailto:` and the sender's address). */
  readonly vapid: { readonly publicKey: string | null; readonly subject: string | null }
  /** TWILIO_ACCOUNT_SID, TWILIO_FROM, TWILIO_API_URL (default the official one). */
  readonly twilio: {
    readonly accountSid: string | null
    readonly from: string | null
    readonly url: string | null
  }
}

/** What must not be shown. */
export type NotifySecrets = {
  /** SMTP_URL: it may hold a password. */
  readonly smtpUrl: string | null
  readonly vapidPrivateKey: string | null
  readonly twilioAuthToken: string | null
  /** SLACK_WEBHOOK_URL: whoever knows it may write there. */
  readonly slackWebhookUrl: string | null
  /** NOTIFY_WEBHOOK_URL: it may hold a token. */
  readonly webhookUrl: string | null
  readonly webhookSecret: string | null
}

const url = (protocols: readonly string[]) =>
  z
    .string()
    .refine(
      (text) => protocols.includes(URL.parse(text)?.protocol ?? ''),
      `must be a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    )

const base64url = (pattern: RegExp, what: string) =>
  z.string().regex(pattern, `must be ${what} in base64url, as \`npx web-push generate-vapid-keys\``)

const SENDER = /^(?:[^<>@\p{C}]{1,100} <[^\s@<>]+@[A-Za-z0-9.-]+>|[^\s@<>]+@[A-Za-z0-9.-]+)$/u
const PHONE_OR_SERVICE = /^(?:\+[1-9]\d{6,14}|MG[0-9a-f]{32})$/

/** The variables of the channels. */
export const NOTIFY_FIELDS = {
  SMTP_URL: url(['smtp:', 'smtps:']),
  NOTIFY_FROM: z.string().regex(SENDER, 'must be an address, as Groundstop <notices@example.com>'),
  NOTIFY_OPERATORS_EMAIL: z.string().regex(/^[^\s@<>,;]+@[A-Za-z0-9.-]+$/, 'must be an address'),
  VAPID_PUBLIC_KEY: base64url(/^[A-Za-z0-9_-]{87}$/, 'a public key'),
  VAPID_PRIVATE_KEY: base64url(/^[A-Za-z0-9_-]{43}$/, 'a private key'),
  VAPID_SUBJECT: url(['mailto:', 'https:']),
  TWILIO_ACCOUNT_SID: z.string().regex(/^AC[0-9a-f]{32}$/, 'must be AC and 32 hexadecimal digits'),
  TWILIO_AUTH_TOKEN: z.string().min(16, 'must have at least 16 characters').max(128),
  TWILIO_FROM: z
    .string()
    .regex(PHONE_OR_SERVICE, 'must be a number as +12025550100 or a messaging service MG...'),
  TWILIO_API_URL: url(['http:', 'https:']),
  SLACK_WEBHOOK_URL: url(['http:', 'https:']),
  NOTIFY_WEBHOOK_URL: url(['http:', 'https:']),
  NOTIFY_WEBHOOK_KEYS_FILE: z.string().min(1).max(4_096, 'must have at most 4096 characters'),
  NOTIFY_WEBHOOK_SECRET: z.string().min(16, 'must have at least 16 characters').max(512),
} as const

/** Those whose values are never shown. */
export const NOTIFY_SECRET_VARIABLES = [
  'SMTP_URL',
  'VAPID_PRIVATE_KEY',
  'TWILIO_AUTH_TOKEN',
  'SLACK_WEBHOOK_URL',
  'NOTIFY_WEBHOOK_URL',
  'NOTIFY_WEBHOOK_SECRET',
] as const

type NotifyValues = Readonly<Record<keyof typeof NOTIFY_FIELDS, string | null>>

/** What goes together: half a channel would be a channel that nobody misses until it is needed. */
const COMPLETE: readonly (readonly (keyof NotifyValues)[])[] = [
  ['SMTP_URL', 'NOTIFY_FROM'],
  ['VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY'],
  ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_FROM'],
  ['NOTIFY_WEBHOOK_URL', 'NOTIFY_WEBHOOK_SECRET'],
]

/** One problem for each variable that its channel lacks. */
export function notifyProblems(values: NotifyValues): ConfigProblem[] {
  return COMPLETE.flatMap((group) => {
    const set = group.filter((variable) => values[variable] !== null)
    if (set.length === 0) return []
    return group
      .filter((variable) => values[variable] === null && !isReplaced(variable, values))
      .map((variable) => ({ variable, message: `must be set beside ${set.join(' and ')}` }))
  })
}

/** A key ring signs in place of a secret that stays the same. */
function isReplaced(variable: keyof NotifyValues, values: NotifyValues): boolean {
  return variable === 'NOTIFY_WEBHOOK_SECRET' && values.NOTIFY_WEBHOOK_KEYS_FILE !== null
}

/** The channels' configuration. */
export function notifyConfigOf(values: NotifyValues): NotifyConfig {
  const sender = /[^\s<>]+@[^\s<>]+/.exec(values.NOTIFY_FROM ?? '')?.[0]
  return {
    from: values.NOTIFY_FROM,
    operatorsEmail: values.NOTIFY_OPERATORS_EMAIL,
    webhookKeysFile: values.NOTIFY_WEBHOOK_KEYS_FILE,
    vapid: {
      publicKey: values.VAPID_PUBLIC_KEY,
      subject: values.VAPID_SUBJECT ?? (sender === undefined ? null : `mailto:${sender}`),
    },
    twilio: {
      accountSid: values.TWILIO_ACCOUNT_SID,
      from: values.TWILIO_FROM,
      url: values.TWILIO_API_URL,
    },
  }
}

/** The channels' secrets. */
export function notifySecretsOf(values: NotifyValues): NotifySecrets {
  return {
    smtpUrl: values.SMTP_URL,
    vapidPrivateKey: values.VAPID_PRIVATE_KEY,
    twilioAuthToken: values.TWILIO_AUTH_TOKEN,
    slackWebhookUrl: values.SLACK_WEBHOOK_URL,
    webhookUrl: values.NOTIFY_WEBHOOK_URL,
    webhookSecret: values.NOTIFY_WEBHOOK_SECRET,
  }
}
