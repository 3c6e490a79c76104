/** Builds what the rotation of keys works with: rings that can be changed, their holders, their usage. */
import { createSecretRotationActivities } from '../activities/secret-rotation.ts'
import { newKeyMaterial } from '../adapters/secrets/key-ring-sources.ts'
import { createKeyRingStore } from '../adapters/secrets/key-ring-store.ts'
import type { Config } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import { createAuditLog } from '../db/stores/audit-log.ts'
import { createKeyHolderStore } from '../db/stores/key-holder-store.ts'
import { createPersonKeyUsage } from '../db/stores/person-key-usage.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import type { RingName } from '../domain/key-rotation.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { KeyRingStore, PayloadKeyUsage } from '../domain/ports/key-rings.ts'
import { instantFromMs } from '../domain/time.ts'
import type { Events } from '../platform/events.ts'
import type { WorkerRings } from './rings.ts'

/** The activities of `secret-rotation`. A ring that comes from the environment is not ours to change. */
export function secretRotationActivities(deps: {
  readonly config: Config
  readonly db: Database
  readonly clock: Clock
  readonly events: Events
  readonly payloadKeyUsage: PayloadKeyUsage | null
  readonly rings: WorkerRings
}): ReturnType<typeof createSecretRotationActivities> {
  const { config, db, clock, events, payloadKeyUsage, rings } = deps
  return createSecretRotationActivities({
    rings: [
      ...storeOf('payload', config.payloads.keysFile, rings.wrapping),
      ...storeOf('webhook', config.notify.webhookKeysFile, rings.wrapping),
    ],
    holders: createKeyHolderStore(db),
    usage:
      payloadKeyUsage === null || rings.payload === null
        ? null
        : bothUsages(payloadKeyUsage, createPersonKeyUsage(db, rings.payload)),
    auditLog: createAuditLog(db),
    settingStore: createSettingStore(db),
    clock,
    wallNow: () => instantFromMs(Date.now()),
    newMaterial: newKeyMaterial,
    events,
  })
}

/** Keys of payloads close runs, and the keys of persons. */
function bothUsages(runs: PayloadKeyUsage, persons: PayloadKeyUsage): PayloadKeyUsage {
  return {
    reseal: async () => (await runs.reseal()) + (await persons.reseal()),
    needed: async (keys) => [
      ...new Set([...(await runs.needed(keys)), ...(await persons.needed(keys))]),
    ],
  }
}

function storeOf(
  name: RingName,
  path: string | null,
  wrapping: WorkerRings['wrapping'],
): KeyRingStore[] {
  return path === null ? [] : [createKeyRingStore(name, path, wrapping)]
}
