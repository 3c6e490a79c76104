/** Opens the keys of a worker process: those of payloads and those that sign webhooks. */
import { openKeyRing } from '../adapters/secrets/key-ring-sources.ts'
import { openKeyWrapping } from '../adapters/secrets/key-wrapping.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { KeyWrapping } from '../domain/ports/key-wrapping.ts'
import type { HeldRings } from '../platform/key-reports.ts'
import type { Logger } from '../platform/logger.ts'

/** What a worker has open, and what closes the keys in their files. */
export type WorkerRings = HeldRings & { readonly wrapping: KeyWrapping | null }

/** Throws KeyRingError for a ring that must not be used. Disposing stops watching their files. */
export async function openRings(
  config: Config,
  secrets: Secrets,
  logger: Logger,
): Promise<WorkerRings & AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const warn = (error: unknown): void => logger.warn({ error }, 'payload-keys-not-read')
  const { keysFile, kmsKey } = config.payloads
  const wrapping = await openKeyWrapping(kmsKey)
  const payload = await openKeyRing({ file: keysFile, text: secrets.payloadKeys, wrapping }, warn)
  stack.use(payload)
  const { webhookKeysFile } = config.notify
  const webhook = await openKeyRing({ file: webhookKeysFile, text: null, wrapping }, warn)
  stack.use(webhook)
  const owned = stack.move()
  return { payload, webhook, wrapping, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
