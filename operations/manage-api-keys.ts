/** API keys of programs: made and told once, listed, revoked. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'

import type { ApiKeyStore, ListedApiKey } from '../domain/ports/api-key-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Role } from '../domain/role.ts'
import type { Instant } from '../domain/time.ts'

/** What the use cases work over. */
export type ApiKeyDeps = {
  readonly apiKeys: ApiKeyStore
  /** Of audit events. */
  readonly clock: Clock
  /** Of expiry. */
  readonly wallClock: Clock
}

/** Every key begins with it, so that scanners of sources and logs find one that got lost. */
export const KEY_PREFIX = 'gsk_'
/** 256 bits: nothing is gained by trying. */
const KEY_BYTES = 32
const HINT_LENGTH = KEY_PREFIX.length + 6

/** A key cannot be made or changed like this. */
export class ApiKeyError extends Error {
  override readonly name = 'ApiKeyError'
  readonly code: 'UNKNOWN_KEY' | 'NAME_TAKEN' | 'EXPIRES_IN_THE_PAST'

  constructor(code: ApiKeyError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** A key that is asked for. */
export type ApiKeyRequest = {
  readonly tenant: string
  readonly name: string
  readonly role: Role
  /** Null: until it is revoked. */
  readonly expiresAt: Instant | null
  readonly dpopThumbprint: string | null
  readonly by: string
  readonly reason: string
}

/** A key and, this once, itself. */
export type MadeApiKey = { readonly apiKey: ListedApiKey; readonly secret: string }

/** Makes a key. Throws ApiKeyError. */
export async function createApiKey(
  { apiKeys, clock, wallClock }: ApiKeyDeps,
  { tenant, name, role, expiresAt, dpopThumbprint, by, reason }: ApiKeyRequest,
): Promise<MadeApiKey> {
  if (expiresAt !== null && expiresAt <= (await wallClock.now())) {
    throw new ApiKeyError('EXPIRES_IN_THE_PAST', 'a key that has expired opens nothing')
  }
  const secret = `${KEY_PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`
  const key = {
    apiKeyId: randomUUID(),
    tenant,
    name,
    role,
    sha256: hashOfKey(secret),
    hint: secret.slice(0, HINT_LENGTH),
    dpopThumbprint,
    expiresAt,
  }
  if (!(await apiKeys.create(key, { by, reason, at: await clock.now() }))) {
    throw new ApiKeyError('NAME_TAKEN', `there is a key ${name} already: revoke it first`)
  }
  const apiKey = await apiKeys.find(tenant, key.apiKeyId)
  if (apiKey === null) throw unknown(key.apiKeyId)
  return { apiKey, secret }
}

/** Revokes a key; it opens nothing from then on. Throws ApiKeyError. */
export async function revokeApiKey(
  { apiKeys, clock }: Pick<ApiKeyDeps, 'apiKeys' | 'clock'>,
  request: {
    readonly tenant: string
    readonly apiKeyId: string
    readonly by: string
    readonly reason: string
  },
): Promise<{ readonly isChanged: boolean }> {
  const { tenant, apiKeyId, by, reason } = request
  const revoked = await apiKeys.revoke(tenant, apiKeyId, { by, reason, at: await clock.now() })
  if (revoked === null) throw unknown(apiKeyId)
  return revoked
}

/** As keys are stored and looked for. */
export function hashOfKey(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function unknown(apiKeyId: string): ApiKeyError {
  return new ApiKeyError('UNKNOWN_KEY', `there is no API key ${apiKeyId}`)
}
