/**
 * How keys of a ring follow each other: a new one is handed out, then used, the old one is kept as long
 * as anything needs it. Pure: one look at a ring gives its next steps, and each step may be repeated.
 */
import { activeKey, checkedKeyRing, findKey, type KeyRing, type RingKey } from './key-ring.ts'
import { addMs, type Instant } from './time.ts'

/** Purposes whose keys are rotated. */
export const RING_NAMES = ['payload', 'webhook'] as const
export type RingName = (typeof RING_NAMES)[number]

/** How long what lasts. */
export type RotationPolicy = {
  /** An active key is followed by another after this. */
  readonly maxAgeMs: number
  /** A replaced key is kept at least this long. */
  readonly graceMs: number
  /** A new key waits at least this long before it is used. */
  readonly distributionMs: number
}

/** What is known of a ring's keys outside of it. */
export type RingFacts = {
  /** Keys that some live process has not read yet. */
  readonly missingKeyIds: readonly string[]
  /** Keys that something still needs: closed with them, it would be lost. */
  readonly neededKeyIds: readonly string[]
}

/** One change of a ring. */
export type RotationStep = {
  readonly action: 'add' | 'activate' | 'retire'
  readonly keyId: string
}

/** What is to be done now. `isWaiting`: a new key is handed out and not used yet. */
export type RingPlan = { readonly steps: readonly RotationStep[]; readonly isWaiting: boolean }

/** The next steps of a ring. `isForced`: a new key is added whatever the age of the active one. */
export function planRing(
  ring: KeyRing,
  look: {
    readonly now: Instant
    readonly policy: RotationPolicy
    readonly facts: RingFacts
    readonly isForced: boolean
    /** The id of the key that an `add` makes. */
    readonly newKeyId: string
  },
): RingPlan {
  const { now, policy, facts, isForced, newKeyId } = look
  const steps: RotationStep[] = []
  const waiting = ring.keys.find(({ state }) => state === 'waiting')
  let isWaiting = waiting !== undefined
  if (waiting === undefined) {
    const active = activeKey(ring)
    const isMade = findKey(ring, newKeyId) !== undefined
    if (
      (isForced && !isMade) ||
      isOver(active.activatedAt ?? active.createdAt, policy.maxAgeMs, now)
    ) {
      steps.push({ action: 'add', keyId: newKeyId })
      isWaiting = true
    }
  } else if (
    isOver(waiting.createdAt, policy.distributionMs, now) &&
    !facts.missingKeyIds.includes(waiting.keyId)
  ) {
    steps.push({ action: 'activate', keyId: waiting.keyId })
    isWaiting = false
  }
  for (const { keyId, state, replacedAt } of ring.keys) {
    if (state !== 'replaced' || replacedAt === null) continue
    if (!isOver(replacedAt, policy.graceMs, now) || facts.neededKeyIds.includes(keyId)) continue
    steps.push({ action: 'retire', keyId })
  }
  return { steps, isWaiting }
}

function isOver(since: Instant, durationMs: number, now: Instant): boolean {
  return now >= addMs(since, durationMs)
}

/**
 * The ring after a step; the same ring when it was taken before or does not fit. Throws KeyRingError when the
 * ring that comes out breaks its rules; an active key is never retired, only a waiting one becomes active.
 */
export function afterStep(
  ring: KeyRing,
  { action, keyId }: RotationStep,
  make: { readonly now: Instant; readonly material: () => string },
): KeyRing {
  const key = findKey(ring, keyId)
  switch (action) {
    case 'add': {
      if (key !== undefined || ring.keys.some(({ state }) => state === 'waiting')) return ring
      const added: RingKey = {
        ...{ keyId, state: 'waiting', material: make.material(), createdAt: make.now },
        ...{ activatedAt: null, replacedAt: null },
      }
      return checkedKeyRing({ keys: [...ring.keys, added] })
    }
    case 'activate':
      return key?.state === 'waiting' ? activated(ring, keyId, make.now) : ring
    case 'retire':
      if (key?.state !== 'replaced') return ring
      return checkedKeyRing({ keys: ring.keys.filter((one) => one.keyId !== keyId) })
  }
}

function activated(ring: KeyRing, keyId: string, now: Instant): KeyRing {
  const keys = ring.keys.map((key): RingKey => {
    if (key.keyId === keyId) return { ...key, state: 'active', activatedAt: now }
    return key.state === 'active' ? { ...key, state: 'replaced', replacedAt: now } : key
  })
  return checkedKeyRing({ keys })
}
