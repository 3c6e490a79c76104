/** One trace from a request to the run, its step, the provider's call and the statements. Real parts. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { NativeConnection, Worker } from '@temporalio/worker'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createHttpAgent, sendHttp } from '../../adapters/notify/http-outcome.ts'
import { loadConfig } from '../../config/config.ts'
import { createLogger } from '../../platform/logger.ts'
import { startTracing, type Tracing } from '../../platform/tracing/tracing.ts'
import { activityCorrelation } from '../../workers/activity-correlation.ts'
import { activityTracing, traceSinks } from '../../workers/tracing.ts'
import { fakeJobPlaces } from '../support/fake-activities.ts'
import {
  startOtlpReceiver,
  type OtlpReceiver,
  type ReceivedSpan,
} from '../support/otlp-receiver.ts'
import '../support/quiet-runtime.ts'
import { services } from '../support/services.ts'
import { testBundle } from '../support/workflow-bundle.ts'
import { createApiRig, eventually, type ApiRig } from './api-rig.ts'

const RESULT = { up: 1, degraded: 0, down: 0, changes: 0, providers: [] }
const JOBS = '/api/admin/scheduler/jobs'
const OUTSIDE = '4bf92f3577b34da6a3ce929d0e0e4736'

const stack = new AsyncDisposableStack()
let receiver: OtlpReceiver
let tracing: Tracing
let rig: ApiRig
let lines: Record<string, unknown>[]

beforeAll(async () => {
  receiver = stack.use(await startOtlpReceiver())
  tracing = stack.use(await start({ OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test' }))
  rig = stack.use(await createApiRig())
  const provider = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
  await once(provider, 'listening')
  stack.defer(() => void provider.close())
  const { port } = provider.address() as AddressInfo
  lines = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  const logger = createLogger({ destination: { write } })
  const agent = createHttpAgent(1)
  stack.defer(() => agent.close())
  const native = await NativeConnection.connect({ address: services().temporalAddress })
  stack.defer(() => native.close())
  const worker = await Worker.create({
    connection: native,
    namespace: rig.namespace,
    taskQueue: 'monitoring',
    workflowBundle: await testBundle({ isTraced: true }),
    activities: {
      ...fakeJobPlaces(),
      async checkProviders() {
        logger.info({}, 'step-at-work')
        await sql`select count(*) from policy where policy_number = ${'secret'}`.execute(
          rig.database.db,
        )
        const url = `http://127.0.0.1:${port}/secret?access_key=secret`
        await sendHttp(agent, { url, headers: {}, body: '{}' }, undefined)
        return RESULT
      },
    },
    interceptors: { activity: [activityCorrelation(), activityTracing(tracing)] },
    sinks: traceSinks(tracing),
  })
  const served = worker.run()
  stack.defer(async () => {
    worker.shutdown()
    await served
  })
}, 60_000)
afterAll(() => stack.disposeAsync())

async function start(env: Record<string, string>): Promise<Tracing> {
  const { config, secrets } = loadConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-collector',
    ...env,
  })
  const logger = createLogger({ level: 'silent' })
  const headers = secrets.traceHeaders ?? {}
  const started = await startTracing({ config: config.tracing, headers, process: 'worker', logger })
  if (started === null) throw new Error('not started')
  return started
}

/** The spans of a trace once this one is among them. */
function untilTraced(isLast: (span: ReceivedSpan) => boolean): Promise<readonly ReceivedSpan[]> {
  return eventually(async () => {
    const last = receiver.spans.find(isLast)
    if (last === undefined) throw new Error('not there yet')
    return receiver.spans.filter(({ traceId }) => traceId === last.traceId)
  })
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name)
  expect(found, name).toHaveLength(1)
  return found[0] as ReceivedSpan
}

describe('a run that a request starts', () => {
  let spans: readonly ReceivedSpan[]
  beforeAll(async () => {
    const { status } = await rig.ask('POST', JOBS, {
      body: { type: 'provider-health-check' },
      headers: {
        'x-correlation-id': 'request-42',
        traceparent: `00-${OUTSIDE}-00f067aa0ba902b7-01`,
      },
    })
    expect(status).toBe(201)
    spans = await untilTraced(({ name }) => name === 'RunWorkflow:providerHealthCheck')
  })

  test('is one trace with its step, the call of the provider and the statement', async () => {
    const request = named(spans, `POST ${JOBS}`)
    const started = named(spans, 'StartWorkflow:providerHealthCheck')
    const run = named(spans, 'RunWorkflow:providerHealthCheck')
    const step = named(spans, 'RunActivity:checkProviders')
    expect(request.parentId).toBeNull()
    expect(started.parentId).toBe(request.spanId)
    expect(run.parentId).toBe(started.spanId)
    expect(step.parentId).toBe(run.spanId)
    expect(named(spans, 'SELECT policy').parentId).toBe(step.spanId)
    expect(named(spans, 'POST 127.0.0.1')).toMatchObject({
      parentId: step.spanId,
      attributes: { 'http.response.status_code': 200 },
    })
    expect(run.durationMs).toBeGreaterThanOrEqual(step.durationMs)
    expect(spans.filter(({ isFailed }) => isFailed)).toEqual([])
  })

  test('carries the correlation id, and its trace id is in the log lines of its steps', () => {
    const of = (name: string) => named(spans, name).attributes['groundstop.correlation_id']
    expect(of(`POST ${JOBS}`)).toBe('request-42')
    expect(of('RunActivity:checkProviders')).toBe('request-42')
    expect(lines).toMatchObject([{ correlationId: 'request-42', traceId: spans[0]?.traceId }])
  })

  test('is linked to the trace of whoever asked, and not part of it', () => {
    expect(spans[0]?.traceId).not.toBe(OUTSIDE)
    expect(named(spans, `POST ${JOBS}`).links).toEqual([OUTSIDE])
  })

  test('shows no path, query, value or text of a statement', () => {
    expect(JSON.stringify(receiver.spans)).not.toMatch(/secret|access_key|policy_number/)
  })

  test('says whose it is, with the words that the collector asks for', () => {
    expect(receiver.headers().authorization).toBe('Bearer of-the-collector')
    expect(spans[0]?.resource).toMatchObject({
      'service.name': 'groundstop',
      'groundstop.process': 'worker',
      'deployment.environment.name': 'test',
    })
  })
})

test('a run that nobody asked for is a trace of its own', async () => {
  const { client } = rig
  const handle = await client.workflow.start('providerHealthCheck', {
    taskQueue: 'monitoring',
    workflowId: 'provider-health-check:by-schedule',
    args: [{}],
  })
  await handle.result()
  const traceId = handle.firstExecutionRunId.replaceAll('-', '')
  const spans = await untilTraced(
    (span) => span.traceId === traceId && span.name.startsWith('RunWorkflow'),
  )
  const run = named(spans, 'RunWorkflow:providerHealthCheck')
  expect(run.parentId).toBeNull()
  expect(named(spans, 'RunActivity:checkProviders').parentId).toBe(run.spanId)
})
