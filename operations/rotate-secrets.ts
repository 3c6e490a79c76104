/**
 * Rotates keys: looks at each ring, says its next steps and takes them one by one. Each step is written
 * on the audit trail before it is taken, and may be repeated: a crash between any two lines costs nothing.
 */
import {
  afterStep,
  planRing,
  type RingName,
  type RingPlan,
  type RotationPolicy,
  type RotationStep,
} from '../domain/key-rotation.ts'
import type { AuditLog } from '../domain/ports/audit-log.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { KeyHolders, KeyRingStore, PayloadKeyUsage } from '../domain/ports/key-rings.ts'
import {
  SECRETS_DISTRIBUTION_MINUTES,
  SECRETS_GRACE_DAYS,
  SECRETS_MAX_AGE_DAYS,
  type SettingStore,
} from '../domain/ports/setting-store.ts'
import { effectiveValue, findSetting } from '../domain/settings.ts'
import { DAY_MS, MINUTE_MS, type Instant } from '../domain/time.ts'

/** What rotation works over. */
export type RotateDeps = {
  /** Rings that can be changed from here; others are left alone. */
  readonly rings: readonly KeyRingStore[]
  readonly holders: Pick<KeyHolders, 'missing'>
  /** Null: payloads are not encrypted. */
  readonly usage: PayloadKeyUsage | null
  readonly auditLog: AuditLog
  readonly settingStore: Pick<SettingStore, 'read'>
  /** Business time, for the trail. */
  readonly clock: Clock
  readonly wallNow: () => Instant
  readonly newMaterial: () => string
  readonly events: {
    readonly secretRotated: (step: { ring: string; action: string; keyId: string }) => void
  }
}

/** Which rings to look at; a forced one gets a new key whatever its age. */
export type RotationRequest = {
  readonly ring?: RingName | undefined
  readonly isForced: boolean
  /** What the ids of new keys end in. */
  readonly suffix: string
}

/** What is to be done with a ring. */
export type PlannedRing = RingPlan & { readonly ring: RingName }

/** What is to be done, and when to look again if a key waits. */
export type RotationPlan = { readonly rings: readonly PlannedRing[]; readonly lookAgainMs: number }

/** A changed file is in every process within seconds; a mounted one takes a minute and more. */
const LOOK_AGAIN_MS = MINUTE_MS

/** One step of one ring. */
export type RingStep = RotationStep & { readonly ring: RingName }

const ACTOR = 'job:secret-rotation'

/** The next steps of each ring. */
export async function planRotation(
  deps: RotateDeps,
  { ring: only, isForced, suffix }: RotationRequest,
): Promise<RotationPlan> {
  const policy = await readPolicy(deps)
  const now = deps.wallNow()
  const planned: PlannedRing[] = []
  for (const store of deps.rings.filter(({ name }) => only === undefined || only === name)) {
    const ring = await store.read()
    const waiting = ring.keys.filter(({ state }) => state === 'waiting')
    const replaced = ring.keys.filter(({ state }) => state === 'replaced')
    const facts = {
      missingKeyIds: await deps.holders.missing(
        store.name,
        waiting.map(({ keyId }) => keyId),
      ),
      neededKeyIds: store.name === 'payload' ? ((await deps.usage?.needed(replaced)) ?? []) : [],
    }
    const newKeyId = `${store.name}-${suffix}`
    planned.push({
      ring: store.name,
      ...planRing(ring, { now, policy, facts, isForced, newKeyId }),
    })
  }
  return { rings: planned, lookAgainMs: LOOK_AGAIN_MS }
}

async function readPolicy({ settingStore }: RotateDeps): Promise<RotationPolicy> {
  const read = async (key: string): Promise<number> => {
    const spec = findSetting(key)
    if (spec === undefined) throw new TypeError(`no setting is called ${key}`)
    return Number(effectiveValue(spec, await settingStore.read(key), null))
  }
  return {
    maxAgeMs: (await read(SECRETS_MAX_AGE_DAYS)) * DAY_MS,
    graceMs: (await read(SECRETS_GRACE_DAYS)) * DAY_MS,
    distributionMs: (await read(SECRETS_DISTRIBUTION_MINUTES)) * MINUTE_MS,
  }
}

/** Takes a step. False when it was taken before. */
export async function rotateOne(deps: RotateDeps, step: RingStep): Promise<boolean> {
  const store = deps.rings.find(({ name }) => name === step.ring)
  if (store === undefined) return false
  const ring = await store.read()
  const make = { now: deps.wallNow(), material: deps.newMaterial }
  const next = afterStep(ring, step, make)
  if (next === ring) return false
  await noteOnce(deps, step)
  await store.write(next)
  deps.events.secretRotated(step)
  return true
}

/** A try that was broken off after this line finds its event and writes none. */
async function noteOnce(deps: RotateDeps, { ring, action, keyId }: RingStep): Promise<void> {
  const what = { action: `secret.${action}`, subject: `secret:${ring}/${keyId}` }
  const { items } = await deps.auditLog.list(what, { limit: 1, cursor: undefined })
  if (items.length > 0) return
  const at = await deps.clock.now()
  await deps.auditLog.record({ ...what, at, actor: ACTOR, details: { wallAt: deps.wallNow() } })
}

/** Closes anew what can be. Returns how many schedules were changed. */
export async function resealPayloads({ usage }: RotateDeps): Promise<number> {
  return (await usage?.reseal()) ?? 0
}
