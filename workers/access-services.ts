/** Builds what the jobs that clean up after signing in work with: aged sessions and seen proofs. */
import { createDpopReplayCacheCleanupActivities } from '../activities/dpop-replay-cache-cleanup.ts'
import { createSessionCleanupActivities } from '../activities/session-cleanup.ts'
import type { Database } from '../db/client.ts'
import { createAgedSessions, createSessionsOfUser } from '../db/stores/aged-sessions.ts'
import { createProofStore } from '../db/stores/proof-store.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import type { ActivityFamily } from './queues.ts'

/** The activities of both jobs; `clock` is that of audit events. */
export function createAccessActivities(deps: {
  readonly db: Database
  readonly clock: Clock
}): Readonly<Record<'session-cleanup' | 'dpop-replay-cache-cleanup', ActivityFamily>> {
  const { db, clock } = deps
  return {
    'session-cleanup': createSessionCleanupActivities({
      aged: createAgedSessions(db, clock),
      agedOfUser: createSessionsOfUser(db),
      settingStore: createSettingStore(db),
      wallClock: createSystemClock(),
    }),
    'dpop-replay-cache-cleanup': createDpopReplayCacheCleanupActivities({
      proofs: createProofStore(db),
    }),
  }
}
