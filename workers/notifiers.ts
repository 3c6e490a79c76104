/** Builds the channels that are configured. */
import { createSlackNotifier } from '../adapters/notify/slack.ts'
import { createSmtpNotifier } from '../adapters/notify/smtp.ts'
import { createTwilioNotifier } from '../adapters/notify/twilio.ts'
import { createWebPushNotifier } from '../adapters/notify/web-push.ts'
import { createWebhookNotifier } from '../adapters/notify/webhook.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { KeyRingSource } from '../domain/ports/key-rings.ts'
import type { Notifier, Notifiers } from '../domain/ports/notifier.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import type { Events } from '../platform/events.ts'
import { observeNotifier } from '../platform/observed-notifiers.ts'

/** The channels; disposing closes their connections. */
export type OwnedNotifiers = AsyncDisposable & { readonly notifiers: Notifiers }

/** Each channel whose settings are there, its calls counted and timed. */
export function createNotifiers(
  config: Config['notify'],
  secrets: Secrets['notify'],
  { events, webhookKeys }: { readonly events: Events; readonly webhookKeys: KeyRingSource | null },
): OwnedNotifiers {
  const all = [
    smtpOf(config, secrets),
    twilioOf(config, secrets),
    webPushOf(config, secrets),
    secrets.slackWebhookUrl === null ? null : createSlackNotifier({ url: secrets.slackWebhookUrl }),
    webhookOf(secrets, webhookKeys),
  ].filter((one) => one !== null)
  const observed = all.map((notifier) => [notifier.channel, observeNotifier(notifier, events)])
  return {
    notifiers: Object.fromEntries(observed) as Notifiers, // by their own channel
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((notifier) => notifier[Symbol.asyncDispose]()))
    },
  }
}

function smtpOf(
  { from, operatorsEmail: operators }: Config['notify'],
  { smtpUrl: url }: Secrets['notify'],
): Notifier | null {
  return url === null || from === null ? null : createSmtpNotifier({ url, from, operators })
}

function twilioOf({ twilio }: Config['notify'], secrets: Secrets['notify']): Notifier | null {
  const { accountSid, from, url: baseUrl } = twilio
  const { twilioAuthToken: authToken } = secrets
  if (accountSid === null || from === null || authToken === null) return null
  return createTwilioNotifier({ accountSid, authToken, from, baseUrl })
}

function webPushOf({ vapid }: Config['notify'], secrets: Secrets['notify']): Notifier | null {
  const { publicKey, subject } = vapid
  const { vapidPrivateKey: privateKey } = secrets
  if (publicKey === null || subject === null || privateKey === null) return null
  return createWebPushNotifier({ publicKey, privateKey, subject })
}

function webhookOf(
  { webhookUrl: url, webhookSecret: secret }: Secrets['notify'],
  keys: KeyRingSource | null,
): Notifier | null {
  if (url === null || (secret === null && keys === null)) return null
  const secrets = (): readonly string[] => [
    ...(keys?.current().keys ?? []).toReversed().map(({ material }) => `whsec_${material}`),
    ...(secret === null ? [] : [secret]),
  ]
  return createWebhookNotifier({ url, secrets, wallClock: createSystemClock() })
}
