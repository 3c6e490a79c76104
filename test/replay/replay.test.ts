/** Every recorded history replays on the workflows as they are now; a tampered one does not. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

import { DeterminismViolationError } from '@temporalio/workflow'
import { Worker, type ReplayWorkerOptions } from '@temporalio/worker'
import { beforeAll, describe, expect, test } from 'vitest'

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
