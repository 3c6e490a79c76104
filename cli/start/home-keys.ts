/** The payload keys of an instance: those that are set, or a ring in its home, made at the first start. */
import { ensureKeyRingFile } from '../../adapters/secrets/key-ring-sources.ts'
import { openKeyWrapping } from '../../adapters/secrets/key-wrapping.ts'
import type { Config, Secrets } from '../../config/config.ts'
import type { Home } from './home.ts'
import type { StartPlan } from './plan.ts'

/**
 * The ring's file; null when keys are set otherwise, or when Temporal is not ours: its other workers
 * and clients would not have a key that is made here. Throws KeyRingError for a ring of bad mode or form.
 */
export async function homeKeysFile(request: {
  readonly plan: StartPlan
  readonly config: Config
  readonly secrets: Secrets
  readonly home: Home
  readonly onNote: (text: string) => void
}): Promise<string | null> {
  const { plan, config, secrets, home, onNote } = request
  if (config.payloads.keysFile !== null) return config.payloads.keysFile
  if (secrets.payloadKeys !== null || !plan.runsTemporal) return null
  const wrapping = await openKeyWrapping(config.payloads.kmsKey)
  if (await ensureKeyRingFile(home.payloadKeys, 'payload', wrapping)) {
    onNote(`made the keys of payloads: ${home.payloadKeys}; without them runs cannot be read`)
  }
  return home.payloadKeys
}
