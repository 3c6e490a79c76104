/** API keys, as a port. Every change is written with its audit event, both or neither. */
import type { Role } from '../role.ts'
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'
import type { AccessNote } from './user-store.ts'

/** A key as lists show it: never the key itself. */
export type ListedApiKey = {
  readonly apiKeyId: string
  readonly name: string
  readonly role: Role
  /** Its first characters. */
  readonly hint: string
  /** Thumbprint of the key pair that its holder proves to have; null for a bearer's key. */
  readonly dpopThumbprint: string | null
  readonly expiresAt: Instant | null
  readonly revokedAt: Instant | null
  readonly lastUsedAt: Instant | null
  readonly createdBy: string
  readonly createdAt: Instant
}

/** A key to be. */
export type NewApiKey = Pick<
  ListedApiKey,
  'apiKeyId' | 'name' | 'role' | 'hint' | 'dpopThumbprint' | 'expiresAt'
> & { readonly tenant: string; readonly sha256: string }

/** What a key that holds lets its bearer do. */
export type ApiKeyGrant = Pick<ListedApiKey, 'name' | 'role' | 'dpopThumbprint'> & {
  readonly tenant: string
}

/** API keys of tenants. */
export interface ApiKeyStore {
  /** The newest first, revoked and expired ones as well. Throws PageCursorError. */
  list(tenant: string, page: PageRequest): Promise<Page<ListedApiKey>>
  find(tenant: string, apiKeyId: string): Promise<ListedApiKey | null>
  /** False when a key of this name holds already. */
  create(key: NewApiKey, note: AccessNote): Promise<boolean>
  /** Null when there is no such key; `isChanged` is false when it was revoked before. */
  revoke(
    tenant: string,
    apiKeyId: string,
    note: AccessNote,
  ): Promise<{ readonly isChanged: boolean } | null>
  /** What the key of this hash grants now; null when it was revoked, has expired or never was. */
  use(sha256: string): Promise<ApiKeyGrant | null>
}
