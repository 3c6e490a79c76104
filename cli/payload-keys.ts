/** The keys that a command opens payloads with: those of the configuration, or of the running instance. */
import { openKeyRing } from '../adapters/secrets/key-ring-sources.ts'
import { openKeyWrapping } from '../adapters/secrets/key-wrapping.ts'
import { loadConfig } from '../config/config.ts'
import type { KeyRingSource } from '../domain/ports/key-rings.ts'

/** Null when none are configured. Throws KeyRingError for a ring that must not be used. */
export async function openPayloadKeys(env: NodeJS.ProcessEnv): Promise<KeyRingSource | null> {
  const { config, secrets } = loadConfig(env)
  const { keysFile, kmsKey } = config.payloads
  const wrapping = await openKeyWrapping(kmsKey)
  return openKeyRing({ file: keysFile, text: secrets.payloadKeys, wrapping })
}
