/** What on the Temporal server still needs a key of payloads, and schedules closed anew with another. */
import { randomUUID } from 'node:crypto'

import { isGrpcServiceError, type Client } from '@temporalio/client'
import type { Payload, PayloadCodec } from '@temporalio/common'
import type { temporal } from '@temporalio/proto'

import { activeKey, type RingKey } from '../../domain/key-ring.ts'
import type { KeyRingSource, PayloadKeyUsage } from '../../domain/ports/key-rings.ts'
import { addMs, DAY_MS, instantFromMs, SECOND_MS } from '../../domain/time.ts'
import { createPayloadCodec, keyIdOf } from './payload-codec.ts'

type Schedule = temporal.api.schedule.v1.ISchedule
type Action = temporal.api.workflow.v1.INewWorkflowExecutionInfo

/** Processes that had not read the ring again may have used the old key a little longer. */
const LATE_USE_MS = DAY_MS

const SCHEDULES_PER_PAGE = 100

/** gRPC: somebody changed the schedule meanwhile (FAILED_PRECONDITION), or deleted it (NOT_FOUND). */
const CHANGED_MEANWHILE = new Set<number>([9, 5])

/** Usage on this client's namespace, by the keys of this process. */
export function createPayloadKeyUsage(client: Client, keys: KeyRingSource): PayloadKeyUsage {
  const codec = createPayloadCodec(keys)
  return {
    async reseal() {
      const { keyId } = activeKey(await keys.refresh())
      let resealed = 0
      for (const { scheduleId } of await schedulesOf(client)) {
        if (await resealOne(client, codec, { scheduleId, keyId })) resealed += 1
      }
      return resealed
    },
    async needed(replaced) {
      if (replaced.length === 0) return []
      const used = new Set((await schedulesOf(client)).flatMap(({ keyIds }) => keyIds))
      const needed: string[] = []
      for (const key of replaced) {
        if (used.has(key.keyId) || (await hasRunsOf(client, key))) needed.push(key.keyId)
      }
      return needed
    },
  }
}

/**
 * Whether the server keeps a run that began while the key was in use: an open one, or one that ended
 * within the namespace's retention. What began later has nothing that is closed with it.
 */
async function hasRunsOf(client: Client, { replacedAt }: RingKey): Promise<boolean> {
  if (replacedAt === null) return true
  const { namespace } = client.options
  const { config } = await client.connection.workflowService.describeNamespace({ namespace })
  const retentionMs = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * SECOND_MS
  if (addMs(replacedAt, retentionMs + LATE_USE_MS) > instantFromMs(Date.now())) return true
  const { count } = await client.workflow.count(`StartTime <= "${addMs(replacedAt, LATE_USE_MS)}"`)
  return count > 0
}

type SealedSchedule = { readonly scheduleId: string; readonly keyIds: readonly string[] }

/** Every schedule of the namespace, also those that are not ours, with the keys that it needs. */
async function schedulesOf(client: Client): Promise<SealedSchedule[]> {
  const { namespace } = client.options
  const found: SealedSchedule[] = []
  let nextPageToken: Uint8Array = new Uint8Array()
  do {
    const page = await client.workflowService.listSchedules({
      namespace,
      maximumPageSize: SCHEDULES_PER_PAGE,
      nextPageToken,
    })
    for (const { scheduleId, memo } of page.schedules) {
      if (typeof scheduleId !== 'string') continue
      const described = await describe(client, scheduleId)
      const payloads = [...payloadsOf(described?.schedule), ...Object.values(memo?.fields ?? {})]
      found.push({ scheduleId, keyIds: payloads.map(keyIdOf).filter((keyId) => keyId !== null) })
    }
    nextPageToken = page.nextPageToken
  } while (nextPageToken.length > 0)
  return found
}

async function describe(client: Client, scheduleId: string) {
  const { namespace } = client.options
  try {
    return await client.workflowService.describeSchedule({ namespace, scheduleId })
  } catch (error) {
    if (isGrpcServiceError(error) && CHANGED_MEANWHILE.has(error.code)) return null
    throw error
  }
}

function payloadsOf(schedule: Schedule | null | undefined): Payload[] {
  const action = schedule?.action?.startWorkflow
  return [
    ...(action?.input?.payloads ?? []),
    ...Object.values(action?.memo?.fields ?? {}),
    ...[action?.userMetadata?.summary, action?.userMetadata?.details],
  ].filter((payload) => payload !== null && payload !== undefined)
}

/** The same schedule, its payloads under the active key. False when there was nothing to do. */
async function resealOne(
  client: Client,
  codec: PayloadCodec,
  { scheduleId, keyId }: { readonly scheduleId: string; readonly keyId: string },
): Promise<boolean> {
  const described = await describe(client, scheduleId)
  const { schedule } = described ?? {}
  const action = schedule?.action?.startWorkflow
  const old = payloadsOf(schedule).map(keyIdOf)
  if (!schedule || !action || !old.some((one) => one !== null && one !== keyId)) return false
  const closeAnew = async (payloads: Payload[]) => codec.encode(await codec.decode(payloads))
  try {
    await client.workflowService.updateSchedule({
      namespace: client.options.namespace,
      scheduleId,
      identity: client.options.identity ?? 'groundstop',
      requestId: randomUUID(),
      conflictToken: described?.conflictToken ?? null,
      schedule: { ...schedule, action: { startWorkflow: await sealedAction(action, closeAnew) } },
    })
    return true
  } catch (error) {
    // The next look finds what is left.
    if (isGrpcServiceError(error) && CHANGED_MEANWHILE.has(error.code)) return false
    throw error
  }
}

async function sealedAction(
  action: Action,
  closeAnew: (payloads: Payload[]) => Promise<Payload[]>,
): Promise<Action> {
  const one = async (payload: Payload | null | undefined): Promise<Payload | null> =>
    payload ? ((await closeAnew([payload]))[0] ?? null) : null
  const fields = await Promise.all(
    Object.entries(action.memo?.fields ?? {}).map(async ([name, payload]) => [
      name,
      await one(payload),
    ]),
  )
  return {
    ...action,
    input: { payloads: await closeAnew(action.input?.payloads ?? []) },
    memo: { fields: Object.fromEntries(fields) as Record<string, Payload> }, // none of them is null
    userMetadata: {
      summary: await one(action.userMetadata?.summary),
      details: await one(action.userMetadata?.details),
    },
  }
}
