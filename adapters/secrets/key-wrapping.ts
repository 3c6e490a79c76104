/** The service that a setting names, if any. */
import type { KeyWrapping } from '../../domain/ports/key-wrapping.ts'

/** Loads its client only when one is named: `KMS_KEY_ID`. */
export async function openKeyWrapping(kmsKey: string | null): Promise<KeyWrapping | null> {
  if (kmsKey === null) return null
  const { createAwsKms } = await import('./aws-kms.ts')
  return createAwsKms(kmsKey)
}
