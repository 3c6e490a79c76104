/** Takes requests of persons in, refuses them, and hands their copies out by a link that ends. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'

import type { Clock } from '../domain/ports/clock.ts'
import { PersonSealError, type PersonSeals } from '../domain/ports/person-seals.ts'
import {
  ExportTornError,
  type ExportManifest,
  type PrivacyExports,
} from '../domain/ports/privacy-exports.ts'
import type { PrivacyRequest, PrivacyRequestStore } from '../domain/ports/privacy-requests.ts'
import {
  exportEndsAt,
  LINK_TRIES,
  privacyDueAt,
  RECEIVED_AT_MOST_AGO_MS,
  type PrivacyKind,
} from '../domain/privacy-request.ts'
import { addMs, type Instant } from '../domain/time.ts'

/** What the use cases work over. */
export type PrivacyDeps = {
  readonly privacyRequests: PrivacyRequestStore
  /** Of audit events. */
  readonly clock: Clock
  /** Of the legal clock: letters arrive on the wall. */
  readonly wallNow: () => Instant
}

/** Who acts, and why. */
export type PrivacyActor = { readonly by: string; readonly reason: string }

/** Why a request cannot be taken or changed like this. Never retried. */
export class PrivacyRefusedError extends Error {
  override readonly name = 'PrivacyRefusedError'
  readonly code: 'NOT_FOUND' | 'NO_HOLDER' | 'NOT_OPEN' | 'NO_COPY' | 'BAD_MOMENT'

  constructor(code: PrivacyRefusedError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** 256 bits: nothing is gained by trying. */
const TOKEN_BYTES = 32

/** Writes a request down. The same asked again while it waits is the same request. Throws PrivacyRefusedError. */
export async function receivePrivacyRequest(
  { privacyRequests, clock, wallNow }: PrivacyDeps,
  ask: PrivacyActor & {
    readonly kind: PrivacyKind
    readonly holderRef: string
    /** When it arrived; null is now. The month runs from then. */
    readonly receivedAt: Instant | null
  },
): Promise<{ readonly request: PrivacyRequest; readonly isNew: boolean }> {
  const { kind, holderRef, by, reason } = ask
  const now = wallNow()
  const receivedAt = ask.receivedAt ?? now
  if (receivedAt > now || receivedAt < addMs(now, -RECEIVED_AT_MOST_AGO_MS)) {
    throw new PrivacyRefusedError('BAD_MOMENT', 'it arrived within the last 90 days')
  }
  const asked = { kind, holderRef, receivedAt, dueAt: privacyDueAt(receivedAt) }
  const note = { by, reason, at: await clock.now() }
  return privacyRequests.receive({ requestId: randomUUID(), ...asked }, note)
}

/** Refuses an open request; the reason is what the person is told. Throws PrivacyRefusedError. */
export async function refusePrivacyRequest(
  deps: PrivacyDeps & { readonly privacyExports: Pick<PrivacyExports, 'remove'> },
  requestId: string,
  { by, reason }: PrivacyActor,
): Promise<PrivacyRequest> {
  const { privacyRequests, clock, wallNow } = deps
  const before = await existing(deps, requestId)
  const note = { by, reason, at: await clock.now() }
  const end = { state: 'REFUSED', refusal: reason } as const
  if (!(await privacyRequests.close(requestId, end, wallNow(), note))) {
    throw new PrivacyRefusedError('NOT_OPEN', `request ${requestId} is ${before.state} already`)
  }
  // A run may have made the copy and not written that down.
  await deps.privacyExports.remove(requestId)
  return existing(deps, requestId)
}

async function existing(
  { privacyRequests }: Pick<PrivacyDeps, 'privacyRequests'>,
  requestId: string,
): Promise<PrivacyRequest> {
  const request = await privacyRequests.find(requestId)
  if (request !== null) return request
  throw new PrivacyRefusedError('NOT_FOUND', `there is no request ${requestId}`)
}

/** A link that was put out; the token is told this once and kept nowhere. */
export type ExportLink = {
  readonly requestId: string
  readonly token: string
  readonly expiresAt: Instant
  readonly tries: number
}

/** Puts a link to the copy out; one that was out before opens nothing any more. Throws PrivacyRefusedError. */
export async function putExportLink(
  deps: PrivacyDeps,
  requestId: string,
  { by, reason }: PrivacyActor,
): Promise<ExportLink> {
  const { privacyRequests, clock, wallNow } = deps
  const { file, closedAt } = await existing(deps, requestId)
  const expiresAt = file === null || closedAt === null ? null : exportEndsAt(closedAt)
  if (expiresAt === null || expiresAt <= wallNow()) {
    throw new PrivacyRefusedError('NO_COPY', `request ${requestId} has no copy that can be fetched`)
  }
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  const link = { sha256: sha256(token), expiresAt, tries: LINK_TRIES }
  const note = { by, reason, at: await clock.now() }
  if (!(await privacyRequests.putLink(requestId, link, note))) {
    throw new PrivacyRefusedError('NO_COPY', `request ${requestId} has no copy that can be fetched`)
  }
  return { requestId, token, expiresAt, tries: LINK_TRIES }
}

/** A copy as the person gets it. */
export type FetchedExport = { readonly manifest: ExportManifest; readonly content: string }

/**
 * The copy that a link leads to. Null for whatever does not open: wrong, spent, expired, never put out; a
 * try is used up either way. Throws ExportTornError, KeyRingError.
 */
export async function fetchExport(
  deps: PrivacyDeps & {
    readonly privacyExports: Pick<PrivacyExports, 'read'>
    readonly personSeals: Pick<PersonSeals, 'open'>
  },
  requestId: string,
  token: string,
): Promise<FetchedExport | null> {
  const { privacyRequests, privacyExports, personSeals, clock, wallNow } = deps
  const at = await clock.now()
  const request = await privacyRequests.useLink(requestId, sha256(token), wallNow(), at)
  const copy = request === null ? null : await privacyExports.read(requestId)
  if (request === null || copy === null) return null
  const { manifest, sealed } = copy
  const content = await personSeals
    .open(request.holderRef, exportPlace(requestId), sealed)
    .catch((error: unknown) => {
      if (error instanceof PersonSealError) throw torn(requestId, error)
      throw error
    })
  if (content === null) return null
  if (sha256(content) !== manifest.file.sha256) throw torn(requestId)
  return { manifest, content }
}

function torn(requestId: string, cause?: Error): ExportTornError {
  return new ExportTornError(`the copy of request ${requestId} is not as its manifest says`, {
    cause,
  })
}

/** What a copy is closed for: none opens as that of another request. */
export function exportPlace(requestId: string): string {
  return `export|${requestId}`
}

function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
