/** Requests of persons over a database of their own, with no book. */
import { createPrivacyRequestStore } from '../../db/stores/privacy-request-store.ts'
import type { Database } from '../../db/client.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import type { Page } from '../../domain/ports/page.ts'
import type { PrivacyRequest } from '../../domain/ports/privacy-requests.ts'
import type { PrivacyKind } from '../../domain/privacy-request.ts'
import { addMs, DAY_MS, instantFromMs } from '../../domain/time.ts'
import {
  receivePrivacyRequest,
  refusePrivacyRequest,
} from '../../operations/manage-privacy-requests.ts'
import { createSystemClock } from '../../platform/clock/system-clock.ts'
import { createPrivacyExports } from '../../adapters/files/privacy-exports.ts'
import { createPrivacyActivities } from '../../workers/privacy-services.ts'
import { createTestDatabase } from './database.ts'

const ASKED = { by: 'user:ana', reason: 'a letter' }

/** What tests do with requests. */
export type PrivacyDesk = AsyncDisposable & {
  readonly db: Database
  readonly activities: ReturnType<typeof createPrivacyActivities>
  /** Requests whose runs were started, in order. */
  readonly started: readonly string[]
  receive(kind: PrivacyKind, holderRef: string, arrivedDaysAgo?: number): Promise<PrivacyRequest>
  refuse(requestId: string): Promise<PrivacyRequest>
  find(requestId: string): Promise<PrivacyRequest | null>
  list(): Promise<Page<PrivacyRequest>>
}

/** Opens it; copies go to `folder`. */
export async function openPrivacyDesk(
  folder: string,
  ring: KeyRingSource | null = null,
): Promise<PrivacyDesk> {
  const database = await createTestDatabase()
  const { db } = database
  const started: string[] = []
  const privacyRequests = createPrivacyRequestStore(db)
  const privacyExports = createPrivacyExports(folder)
  const clock = createSystemClock()
  const wallNow = () => instantFromMs(Date.now())
  const deps = { privacyRequests, privacyExports, clock, wallNow }
  return {
    db,
    started,
    activities: createPrivacyActivities({
      db,
      clock,
      privacyExportsDir: folder,
      ring,
      privacyRuns: { start: async (requestId) => void started.push(requestId) },
    }),
    async receive(kind, holderRef, arrivedDaysAgo = 0) {
      const receivedAt = addMs(wallNow(), -arrivedDaysAgo * DAY_MS)
      return (await receivePrivacyRequest(deps, { kind, holderRef, receivedAt, ...ASKED })).request
    },
    refuse: (requestId) =>
      refusePrivacyRequest(deps, requestId, { ...ASKED, reason: 'identity not shown' }),
    find: (requestId) => privacyRequests.find(requestId),
    list: () => privacyRequests.list({}, { limit: 50 }),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}
