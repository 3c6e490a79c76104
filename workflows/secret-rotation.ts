/** One rotation: looks, takes the steps, waits until a new key is everywhere, looks again. */
import { proxyActivities, setCurrentDetails, sleep, workflowInfo } from '@temporalio/workflow'

import type { SecretRotationActivities } from '../activities/secret-rotation.ts'
import type { RingName } from '../domain/key-rotation.ts'
import type { SecretRotationInput, SecretRotationResult } from '../jobs/secret-rotation.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** Looks of one run, a minute apart: an hour and a quarter, which covers an hour of distribution. */
const LOOKS = 75

const { takeRotationStep } = proxyActivities<SecretRotationActivities>(SHORT_STEP)
const { planRotation, resealPayloads } = proxyActivities<SecretRotationActivities>({
  // Some hundred schedules are described one by one.
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '10 seconds',
  retry: STEP_RETRY,
})

type RingResult = SecretRotationResult['rings'][number]

/** Rotates what is due. What still waits after the last look is left to the next run. */
export async function secretRotation(input: SecretRotationInput): Promise<SecretRotationResult> {
  const { ring, isForced = false } = input
  const rings = new Map<RingName, RingResult>()
  let resealed = await resealPayloads()
  // The same in every try of the run: a try that is repeated finds its key instead of making another.
  const suffix = workflowInfo().firstExecutionRunId.slice(-12)
  for (let look = 0; look < LOOKS; look += 1) {
    const { rings: plans, lookAgainMs } = await planRotation({
      ring,
      isForced: isForced && look === 0,
      suffix,
    })
    for (const plan of plans) {
      const result = rings.get(plan.ring) ?? emptyResult(plan.ring)
      rings.set(plan.ring, { ...result, isWaiting: plan.isWaiting })
      for (const { action, keyId } of plan.steps) {
        if (!(await takeRotationStep({ ring: plan.ring, action, keyId }))) continue
        noteStep(rings, plan.ring, action, keyId)
        if (action === 'activate' && plan.ring === 'payload') resealed += await resealPayloads()
      }
    }
    setCurrentDetails([...rings.values()].map(describe).join('\n'))
    if (!plans.some(({ isWaiting }) => isWaiting)) break
    await sleep(lookAgainMs)
  }
  return { rings: [...rings.values()], resealed }
}

function emptyResult(ring: RingName): RingResult {
  return { ring, added: [], activated: [], retired: [], isWaiting: false }
}

const FIELDS = { add: 'added', activate: 'activated', retire: 'retired' } as const

function noteStep(
  rings: Map<RingName, RingResult>,
  ring: RingName,
  action: keyof typeof FIELDS,
  keyId: string,
): void {
  const result = rings.get(ring) ?? emptyResult(ring)
  const field = FIELDS[action]
  rings.set(ring, { ...result, [field]: [...result[field], keyId] })
}

function describe({ ring, added, activated, retired, isWaiting }: RingResult): string {
  const counts = `${added.length} made, ${activated.length} put to use, ${retired.length} retired`
  return `- ${ring}: ${counts}${isWaiting ? ', **one waits until every process has it**' : ''}`
}
