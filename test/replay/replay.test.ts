/** Every recorded history replays on the workflows as they are now; a tampered one does not. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

import { DeterminismViolationError } from '@temporalio/workflow'
import { Worker, type InjectedSinks, type ReplayWorkerOptions } from '@temporalio/worker'
import { beforeAll, describe, expect, test } from 'vitest'

import type { TraceSinks } from '../../domain/trace-ref.ts'
import { payloadConverter, type PayloadKeyError } from '../../platform/temporal/payload-codec.ts'
import { ChangingKeys, RECORDED_RING, testKey } from '../support/payload-keys.ts'
import '../support/quiet-runtime.ts'
import { testBundle } from '../support/workflow-bundle.ts'

const HISTORIES = fileURLToPath(new URL('histories', import.meta.url))

let options: ReplayWorkerOptions

beforeAll(async () => {
  options = { workflowBundle: await testBundle() }
})

type HistoryEvent = {
  activityTaskScheduledEventAttributes?: { activityType: { name: string } }
}

type History = { events: HistoryEvent[] }

function read(file: string): History {
  return JSON.parse(readFileSync(`${HISTORIES}/${file}`, 'utf8')) as History // recorded by our script
}

const files = readdirSync(HISTORIES).filter((file) => file.endsWith('.json'))

describe('replays', () => {
  test.each(files)('%s', async (file) => {
    await Worker.runReplayHistory(options, read(file), basename(file))
  })
})

/** Steps, runs that start others, that wait for people, and that go on as new ones. */
const TRACED = ['flight-monitor', 'payout', 'review-orchestration', 'cleanup', 'privacy-request']

test('replays where runs are traced as well, and tells no span of it', async () => {
  const workflowBundle = await testBundle({ isTraced: true })
  const told: unknown[] = []
  const sinks: InjectedSinks<TraceSinks> = {
    traces: { runEnded: { fn: (_info, run) => void told.push(run), callDuringReplay: false } },
  }
  for (const job of TRACED) {
    const file = files.find((name) => name.startsWith(`${job}.`)) ?? job
    await Worker.runReplayHistory({ workflowBundle, sinks }, read(file), basename(file))
  }
  expect(told).toEqual([])
})

describe('refuses a history in which another step was taken', () => {
  const tampered = ['flight-monitor.storm-tick', 'payout.batch-settled', 'maintenance.analyze']

  test.each(tampered)('%s', async (name) => {
    const history = read(files.find((file) => file.startsWith(`${name}.`)) ?? name)
    const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes)
    if (scheduled?.activityTaskScheduledEventAttributes === undefined) throw new Error('no step')
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'sendPostcard'
    await expect(Worker.runReplayHistory(options, history)).rejects.toBeInstanceOf(
      DeterminismViolationError,
    )
  })
})

describe('encrypted histories', () => {
  const ENCRYPTED = fileURLToPath(new URL('encrypted', import.meta.url))
  const encrypted = readdirSync(ENCRYPTED).filter((file) => file.endsWith('.json'))
  const readEncrypted = (file: string) => readFileSync(`${ENCRYPTED}/${file}`, 'utf8')
  const withKeys = async (
    keys: ChangingKeys | null,
    onProblem?: (error: PayloadKeyError) => void,
  ): Promise<ReplayWorkerOptions> => ({
    workflowBundle: await testBundle({ failures: keys === null ? 'plain' : 'encoded' }),
    dataConverter: payloadConverter(keys, onProblem),
  })

  test.each(encrypted)('%s replays with its key', async (file) => {
    const replay = await withKeys(new ChangingKeys(RECORDED_RING))
    await Worker.runReplayHistory(replay, JSON.parse(readEncrypted(file)), basename(file))
  })

  test.each([
    ['without keys', null, 'KEY_MISSING'],
    ['with another key', new ChangingKeys({ keys: [testKey('other')] }), 'KEY_MISSING'],
    [
      'with other material under its id',
      new ChangingKeys({
        keys: [testKey('recorded-2026-11', { material: testKey('x').material })],
      }),
      'KEY_WRONG',
    ],
  ])('do not replay %s', async (_how, keys, code) => {
    const [file = ''] = encrypted
    const told: PayloadKeyError[] = []
    const replay = await withKeys(keys, (error) => told.push(error))
    const replayed = Worker.runReplayHistory(replay, JSON.parse(readEncrypted(file)))
    await expect(replayed).rejects.toThrow(/Replay failed/)
    expect(told[0]).toMatchObject({ code, keyId: 'recorded-2026-11' })
  })

  test('show no input, result or word of a failure', () => {
    expect(encrypted.length).toBeGreaterThan(1)
    for (const file of encrypted) {
      const decoded = readEncrypted(file).replaceAll(/"data": ?"([^"]*)"/g, (_all, data: string) =>
        Buffer.from(data, 'base64').toString('latin1'),
      )
      expect(decoded).not.toMatch(/bad shard|leg-1|settled|payoutId/)
    }
  })
})
