/** What tracing costs its process: a share of traces, a queue, some seconds at the end. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'

import { describe, expect, test } from 'vitest'

import type { TraceRef } from '../../../domain/trace-ref.ts'
import { createLogger } from '../../../platform/logger.ts'
import { traced } from '../../../platform/tracing/spans.ts'
import { startTracing, type Tracing } from '../../../platform/tracing/tracing.ts'
import { startOtlpReceiver } from '../../support/otlp-receiver.ts'
import { ROOT } from '../../support/repository.ts'

const TRACES = 2_000

function keptLines() {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>)
  return { lines, logger: createLogger({ destination: { write } }) }
}

async function start(
  endpoint: string,
  ratio = 1,
  logger = keptLines().logger,
  timeoutMs = 5_000,
): Promise<Tracing> {
  const tracing = await startTracing({
    config: {
      ...{ endpoint, serviceName: 'test', attributes: {}, ratio, isParentBased: true },
      timeoutMs,
    },
    headers: {},
    process: 'worker',
    logger,
  })
  if (tracing === null) throw new Error('not started')
  return tracing
}

const work = () => Promise.resolve('done')

test('nothing is made where no collector is named', async () => {
  const { logger } = keptLines()
  expect(await startTracing({ config: null, headers: {}, process: 'api', logger })).toBeNull()
})

describe('a share of traces', () => {
  test('is recorded whole, by the trace and not by the span', async () => {
    await using receiver = await startOtlpReceiver()
    const refs: TraceRef[] = Array.from({ length: TRACES }, (_, n) => ({
      traceId: createHash('sha256').update(String(n)).digest('hex').slice(0, 32),
      spanId: '00f067aa0ba902b7',
      isSampled: null,
    }))
    {
      await using tracing = await start(receiver.url, 0.25)
      for (const ref of refs) {
        const parent = tracing.contextOf(ref)
        await traced('step', { parent }, () => traced('call', {}, work))
      }
    }
    const steps = receiver.spans.filter(({ name }) => name === 'step').map(({ spanId }) => spanId)
    const calls = receiver.spans.filter(({ name }) => name === 'call')
    expect(calls.map(({ parentId }) => parentId)).toEqual(steps)
    expect(steps.length / TRACES).toBeGreaterThan(0.2)
    expect(steps.length / TRACES).toBeLessThan(0.3)
  })

  test('follows what was decided where the trace began', async () => {
    await using receiver = await startOtlpReceiver()
    {
      await using tracing = await start(receiver.url, 0)
      const ref = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }
      const yes = tracing.contextOf({ ...ref, isSampled: true })
      const open = tracing.contextOf({ ...ref, isSampled: null })
      await traced('wanted', { parent: yes }, work)
      await traced('not wanted', { parent: open }, work)
    }
    expect(receiver.spans.map(({ name }) => name)).toEqual(['wanted'])
  })
})

test('what fails marks its span by the kind of the error alone, and fails on', async () => {
  await using receiver = await startOtlpReceiver()
  {
    await using _tracing = await start(receiver.url)
    const failing = traced('step', {}, () => Promise.reject(new RangeError('of Jane Doe')))
    await expect(failing).rejects.toThrow('of Jane Doe')
  }
  expect(receiver.spans).toMatchObject([
    { name: 'step', isFailed: true, attributes: { 'error.type': 'RangeError' } },
  ])
  expect(JSON.stringify(receiver.spans)).not.toContain('Jane')
})

describe('a collector that does not take spans', () => {
  test.each([
    ['away', async () => ({ url: 'http://127.0.0.1:9', [Symbol.asyncDispose]: async () => {} })],
    ['failing', () => startOtlpReceiver(500)],
    ['silent', () => startOtlpReceiver(null)],
  ])('%s: work goes on, the process ends, and it is said once', async (_how, collector) => {
    await using receiver = await collector()
    const { lines, logger } = keptLines()
    const startedAtMs = performance.now()
    {
      await using _tracing = await start(receiver.url, 1, logger, 500)
      for (let n = 0; n < 10_000; n += 1) expect(await traced('step', {}, work)).toBe('done')
    }
    expect(performance.now() - startedAtMs).toBeLessThan(6_000)
    expect(lines.map(({ event }) => event)).toEqual(['trace-export-failed'])
  })
})

test('a process that stops while its collector is silent ends by itself, within seconds', async () => {
  await using receiver = await startOtlpReceiver(null)
  const script = `
    import { createLogger } from './platform/logger.ts'
    import { traced } from './platform/tracing/spans.ts'
    import { startTracing } from './platform/tracing/tracing.ts'
    const config = { endpoint: '${receiver.url}', serviceName: 'test', attributes: {}, ratio: 1, isParentBased: true, timeoutMs: 60_000 }
    const logger = createLogger({ level: 'silent' })
    const tracing = await startTracing({ config, headers: {}, process: 'worker', logger })
    await traced('step', {}, async () => {})
    await tracing[Symbol.asyncDispose]()
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: ROOT })
  const startedAtMs = performance.now()
  const [exitCode] = await once(child, 'exit')
  expect(exitCode).toBe(0)
  expect(performance.now() - startedAtMs).toBeLessThan(8_000)
})
