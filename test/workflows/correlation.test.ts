/** One id from a request to the run, its steps, the runs they start, their calls and log lines. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { Client } from '@temporalio/client'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createHttpAgent, sendHttp } from '../../adapters/notify/http-outcome.ts'
import { currentCorrelation, withCorrelation } from '../../platform/correlation.ts'
import { createLogger } from '../../platform/logger.ts'
import { correlationClient } from '../../platform/temporal/correlation-client.ts'
import { payloadConverter } from '../../platform/temporal/payload-codec.ts'
import { activityCorrelation } from '../../workers/activity-correlation.ts'
import { allSettled, fakePayout } from '../support/fake-activities.ts'
import { ChangingKeys, testKey } from '../support/payload-keys.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const keys = new ChangingKeys({ keys: [testKey('one')] })
const heard: (string | undefined)[] = []
const provider = createServer((request, response) => {
  heard.push(request.headers['x-correlation-id']?.toString())
  response.end('{}')
})

let rig: TemporalRig
let client: Client
let url: string

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress, undefined, keys)
  const { connection } = rig.client
  client = new Client({
    connection,
    namespace: rig.namespace,
    dataConverter: payloadConverter(keys),
    interceptors: { workflow: [correlationClient()] },
  })
  provider.listen(0, '127.0.0.1')
  await once(provider, 'listening')
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  await testBundle({ failures: 'encoded' })
})

afterAll(async () => {
  provider.close()
  await rig[Symbol.asyncDispose]()
})

/** What the steps of a payout saw: the ids that they worked under, and their lines. */
async function runUnder(correlationId: string | null): Promise<{
  workflowId: string
  seen: Set<string | null>
  lines: { correlationId?: string }[]
}> {
  const seen = new Set<string | null>()
  const lines: { correlationId?: string }[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number])
  const logger = createLogger({ destination: { write } })
  const agent = createHttpAgent(1)
  const straggler = randomUUID()
  const activities = fakePayout({
    approvePayouts: async () => {
      seen.add(currentCorrelation())
      logger.info({}, 'step-at-work')
      await sendHttp(agent, { url, headers: {}, body: '{}' }, undefined)
      return { approved: 1, held: 0 }
    },
    submitPayouts: async (request) => {
      seen.add(currentCorrelation())
      const isAlone = 'payoutId' in request || JSON.stringify(request).includes(straggler)
      return isAlone
        ? allSettled(1)
        : { settled: 0, rejectedPayoutIds: [straggler], unknownPayoutIds: [] }
    },
  })
  const workflowId = `payout:${randomUUID()}`
  const start = () =>
    client.workflow.start('payout', {
      taskQueue: 'payouts',
      workflowId,
      args: [{ batchId: randomUUID() }],
    })
  const options = { activityInterceptors: [activityCorrelation()] }
  await rig.withWorker(
    'payouts',
    activities,
    async () => {
      const handle = await (correlationId === null
        ? start()
        : withCorrelation(correlationId, start))
      await handle.result()
    },
    options,
  )
  await agent.close()
  return { workflowId, seen, lines }
}

test('the id of a request is that of every step, call and line of its run', async () => {
  const { seen, lines } = await runUnder('request-42')
  expect([...seen]).toEqual(['request-42'])
  expect(lines.map((line) => line.correlationId)).toEqual(['request-42'])
  expect(heard.at(-1)).toBe('request-42')
})

test('without a request the id of the run binds its steps', async () => {
  const { seen, workflowId, lines } = await runUnder(null)
  expect([...seen]).toEqual([workflowId])
  expect(lines.map((line) => line.correlationId)).toEqual([workflowId])
  expect(heard.at(-1)).toBe(workflowId)
})
