/** Builds what signing in and the management of access work with. */
import { createSmtpNotifier } from '../adapters/notify/smtp.ts'
import { isLocalOnly } from '../config/config.ts'
import { createApiKeyStore } from '../db/stores/api-key-store.ts'
import { createIdempotencyStore } from '../db/stores/idempotency-store.ts'
import { createProofStore } from '../db/stores/proof-store.ts'
import { createRateLimitStore } from '../db/stores/rate-limit-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import { createUserStore } from '../db/stores/user-store.ts'
import type { UserStore } from '../domain/ports/user-store.ts'
import { createApiKey, revokeApiKey } from '../operations/manage-api-keys.ts'
import { changeUser, inviteUser, revokeSessions } from '../operations/manage-users.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import { createMemoryLimits } from '../platform/rate-limiters.ts'
import type { DoorDeps } from './auth.ts'
import { createSignInLimits, type LimitDeps } from './limits.ts'
import type { ApiParts } from './parts.ts'
import type { ApiKeysDeps } from './rest/api-keys.ts'
import type { SignInRoutesDeps } from './rest/sign-in.ts'
import type { UsersDeps } from './rest/users.ts'
import { createAccountMails, type AccountMails } from './sign-in/account-mails.ts'
import { createSignIn, type SignIn } from './sign-in/sign-in.ts'

/** What the door and the routes of access need. */
export function accessOf(
  parts: ApiParts,
): SignInRoutesDeps & UsersDeps & ApiKeysDeps & LimitDeps & Pick<DoorDeps, 'apiKeys' | 'proofs'> {
  const { config, db, clock } = parts
  const users = createUserStore(db)
  const signIn = signInOf(parts, users)
  const apiKeys = createApiKeyStore(db)
  const deps = { users, clock }
  const keyDeps = { apiKeys, clock, wallClock: createSystemClock() }
  const limits: LimitDeps = {
    ownLimits: createMemoryLimits(),
    sharedLimits: createRateLimitStore(db),
    settingStore: createSettingStore(db),
  }
  return {
    ...limits,
    signInLimits: createSignInLimits(limits),
    signIn,
    users,
    signInClock: clock,
    publicUrl: config.api.publicUrl,
    apiKeys,
    proofs: createProofStore(db),
    keys: {
      create: (request) => createApiKey(keyDeps, request),
      revoke: (request) => revokeApiKey(keyDeps, request),
    },
    idempotency: createIdempotencyStore(db),
    access: {
      invite: (invitation) => inviteUser({ ...deps, invite: signIn.invite }, invitation),
      change: (request) => changeUser(deps, request),
      revokeSessions: (request) => revokeSessions(deps, request),
    },
  }
}

function signInOf(parts: ApiParts, users: UserStore): SignIn {
  const { config, secrets, db, clock, logger } = parts
  const { publicUrl } = config.api
  const isLocal = isLocalOnly(config.api)
  return createSignIn({
    db,
    users,
    clock,
    logger,
    secret: secrets.authSecret,
    // A public address says how browsers come; without one, whoever is not on this machine uses TLS.
    isSecure: publicUrl === null ? !isLocal : publicUrl.startsWith('https:'),
    mails: accountMailsOf(parts),
    // A host that a request names may be anybody's: it gets into no mail.
    ownUrl: publicUrl === null && isLocal ? parts.listensAt : Promise.resolve(publicUrl),
  })
}

function accountMailsOf({ config, secrets, stack }: ApiParts): AccountMails | null {
  const { from, operatorsEmail: operators } = config.notify
  const { smtpUrl: url } = secrets.notify
  if (url === null || from === null) return null
  return createAccountMails(stack.use(createSmtpNotifier({ url, from, operators })))
}
