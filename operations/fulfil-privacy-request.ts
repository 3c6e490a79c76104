/** Answers one request: makes the copy, or erases the person, or says what that waits for. */
import { createHash } from 'node:crypto'

import type { Clock } from '../domain/ports/clock.ts'
import type { PersonDataSource } from '../domain/ports/person-data.ts'
import type { PersonSeals } from '../domain/ports/person-seals.ts'
import type { PrivacyExports } from '../domain/ports/privacy-exports.ts'
import type { PrivacyRequest, PrivacyRequestStore } from '../domain/ports/privacy-requests.ts'
import { BLOCK_REASONS, lookAgainMs, type ErasureBlock } from '../domain/privacy-request.ts'
import type { Instant } from '../domain/time.ts'
import { exportPlace, PrivacyRefusedError } from './manage-privacy-requests.ts'

/** What answering works over. */
export type FulfilPrivacyDeps = {
  readonly privacyRequests: PrivacyRequestStore
  readonly personData: PersonDataSource
  readonly personSeals: PersonSeals
  readonly privacyExports: PrivacyExports
  /** Of audit events. */
  readonly clock: Clock
  readonly wallNow: () => Instant
}

/** What became of it. `lookAgainMs`: wall time after which a deferred one is tried again. */
export type FulfilledRequest =
  | { readonly outcome: 'fulfilled'; readonly bytes: number }
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'deferred'; readonly block: ErasureBlock; readonly lookAgainMs: number }

const ACTOR = 'job:privacy-request'

/**
 * Answers it. Safe to repeat and to break off anywhere: what was answered stays answered. Throws
 * PrivacyRefusedError when there is none, PersonTooLargeError.
 */
export async function fulfilPrivacyRequest(
  deps: FulfilPrivacyDeps,
  requestId: string,
): Promise<FulfilledRequest> {
  const note = { by: ACTOR, reason: 'the request is answered', at: await deps.clock.now() }
  const request = await deps.privacyRequests.begin(requestId, note)
  if (request === null) {
    throw new PrivacyRefusedError('NOT_FOUND', `there is no request ${requestId}`)
  }
  if (request.state !== 'IN_PROGRESS') return endOf(request)
  return request.kind === 'export' ? exportPerson(deps, request) : erasePerson(deps, request)
}

function endOf({ state, file, refusal }: PrivacyRequest): FulfilledRequest {
  if (state === 'REFUSED') return { outcome: 'refused', reason: refusal ?? '' }
  return { outcome: 'fulfilled', bytes: file?.bytes ?? 0 }
}

async function exportPerson(
  deps: FulfilPrivacyDeps,
  { requestId, holderRef, receivedAt }: PrivacyRequest,
): Promise<FulfilledRequest> {
  const { personData, personSeals, privacyExports, privacyRequests, clock, wallNow } = deps
  const generatedAt = wallNow()
  const data = await personData.read(holderRef)
  const content = { format: 'groundstop-person/1', requestId, receivedAt, generatedAt, holderRef }
  const text = `${JSON.stringify({ ...content, ...data }, null, 2)}\n`
  const file = {
    name: 'export.json',
    type: 'application/json',
    bytes: Buffer.byteLength(text),
    sha256: createHash('sha256').update(text).digest('hex'),
  }
  const sealed = await personSeals.seal(holderRef, exportPlace(requestId), text)
  await privacyExports.write({ requestId, generatedAt, file }, sealed)
  const end = { state: 'FULFILLED', file: { bytes: file.bytes, sha256: file.sha256 } } as const
  const note = { by: ACTOR, reason: 'a copy was made', at: await clock.now() }
  if (await privacyRequests.close(requestId, end, wallNow(), note)) {
    return { outcome: 'fulfilled', bytes: file.bytes }
  }
  // A person refused it while the copy was made, or another try was first: as it stands now.
  return currentEnd(deps, requestId)
}

async function erasePerson(
  deps: FulfilPrivacyDeps,
  { requestId, holderRef, dueAt }: PrivacyRequest,
): Promise<FulfilledRequest> {
  const { privacyRequests, clock, wallNow } = deps
  const at = await clock.now()
  const now = wallNow()
  const blocked = await privacyRequests.blockOf(holderRef)
  if (blocked !== null) {
    const { block, count } = blocked
    const reason = `${BLOCK_REASONS[block]} (${count})`
    const note = { by: ACTOR, reason, at }
    if (now < dueAt) {
      await privacyRequests.defer(requestId, block, note)
      return { outcome: 'deferred', block, lookAgainMs: lookAgainMs(now, dueAt) }
    }
    await privacyRequests.close(requestId, { state: 'REFUSED', refusal: reason }, now, note)
    return currentEnd(deps, requestId)
  }
  // First of all: a crash after this line finds nothing there and goes on.
  for (const copy of await privacyRequests.copiesOf(holderRef)) {
    await deps.privacyExports.remove(copy)
  }
  const note = { by: ACTOR, reason: 'the person was erased', at }
  const outcome = await privacyRequests.erase(requestId, now, note)
  if (outcome === 'blocked') {
    // Cover was bought between the look and the deed.
    return { outcome: 'deferred', block: 'LIVE_POLICIES', lookAgainMs: lookAgainMs(now, dueAt) }
  }
  return currentEnd(deps, requestId)
}

async function currentEnd(deps: FulfilPrivacyDeps, requestId: string): Promise<FulfilledRequest> {
  const request = await deps.privacyRequests.find(requestId)
  if (request === null)
    throw new PrivacyRefusedError('NOT_FOUND', `there is no request ${requestId}`)
  if (request.state === 'REFUSED') await deps.privacyExports.remove(requestId)
  return endOf(request)
}
