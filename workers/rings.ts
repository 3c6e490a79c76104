/** Opens the keys of a worker process: those of payloads and those that sign webhooks. */
import { openKeyRing } from '../adapters/secrets/key-ring-sources.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { HeldRings } from '../platform/key-reports.ts'
import type { Logger } from '../platform/logger.ts'

/** Throws KeyRingError for a ring that must not be used. Disposing stops watching their files. */
export async function openRings(
  config: Config,
  secrets: Secrets,
  logger: Logger,
): Promise<HeldRings & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const warn = (error: unknown): void => logger.warn({ error }, 'payload-keys-not-read')
  const { keysFile } = config.payloads
  const payload = await openKeyRing({ file: keysFile, text: secrets.payloadKeys }, warn)
  stack.use(payload)
  const { webhookKeysFile } = config.notify
  const webhook = await openKeyRing({ file: webhookKeysFile, text: null }, warn)
  stack.use(webhook)
  const owned = stack.move()
  return { payload, webhook, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
