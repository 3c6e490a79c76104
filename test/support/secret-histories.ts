/** Fakes and recorded cases of the rotation of keys, for `history-cases.ts` and the workflow test. */
import type { SecretRotationActivities } from '../../activities/secret-rotation.ts'
import type { PlannedRing, RotationPlan } from '../../operations/rotate-secrets.ts'
import type { HistoryCase } from './history-cases.ts'

type Shared = {
  readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T>
  readonly failingOnce: <T>(answer: T) => () => Promise<T>
}

/** A plan of these steps of the ring of payloads; the next look follows at once. */
export function rotationPlan(
  steps: PlannedRing['steps'] = [],
  { isWaiting = false }: { readonly isWaiting?: boolean } = {},
): RotationPlan {
  return { rings: [{ ring: 'payload', steps, isWaiting }], lookAgainMs: 1 }
}

/** The looks of a rotation: a key is made, waits for one look, and is used. */
export const ROTATION: readonly RotationPlan[] = [
  rotationPlan([{ action: 'add', keyId: 'payload-b' }], { isWaiting: true }),
  rotationPlan([], { isWaiting: true }),
  rotationPlan([{ action: 'activate', keyId: 'payload-b' }]),
]

/** Activities of `secret-rotation`: nothing is due. */
export function fakeSecretRotation(
  change: Partial<SecretRotationActivities> = {},
): SecretRotationActivities {
  return {
    planRotation: async () => rotationPlan(),
    takeRotationStep: async () => true,
    resealPayloads: async () => 0,
    ...change,
  }
}

/** The runs of `secret-rotation` whose histories are recorded. */
export function rotationCases({ inTurn, failingOnce }: Shared): HistoryCase[] {
  const job = 'secret-rotation'
  const retire = rotationPlan([{ action: 'retire', keyId: 'payload-a' }])
  return [
    { job, name: 'nothing-due', input: {}, activities: () => fakeSecretRotation() },
    {
      job,
      name: 'rotated',
      input: { ring: 'payload', isForced: true },
      activities: () =>
        fakeSecretRotation({ planRotation: inTurn(...ROTATION), resealPayloads: async () => 12 }),
    },
    {
      job,
      name: 'retired',
      input: {},
      activities: () => fakeSecretRotation({ planRotation: async () => retire }),
    },
    {
      job,
      name: 'step-retried',
      input: {},
      activities: () =>
        fakeSecretRotation({
          planRotation: async () => retire,
          takeRotationStep: failingOnce(true),
        }),
    },
  ]
}
