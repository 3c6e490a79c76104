/** Lines of runs on their way to the database: batched, bounded, and never in the way of the work. */
import { randomUUID } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import type { WrittenLine } from '../../../domain/ports/run-log.ts'
import { withRun } from '../../../platform/correlation.ts'
import { createLogger } from '../../../platform/logger.ts'
import { createRunLines } from '../../../platform/run-lines.ts'
import { temporalLogger } from '../../../platform/temporal-logger.ts'

const NEVER_MS = 3_600_000
const RUN = { workflowId: 'flight-monitor:P-1', runId: randomUUID() }

/** A logger of a process that keeps its runs' lines in `batches`; what it wrote down itself in `log`. */
function keep() {
  const log: string[] = []
  const batches: (readonly WrittenLine[])[] = []
  const state = { isAway: false }
  const lines = createRunLines()
  const logger = createLogger({
    destination: { write: (line) => log.push(line) },
    onLine: lines.take,
  })
  const append = async (batch: readonly WrittenLine[]): Promise<void> => {
    if (state.isAway) throw new Error('the database is away')
    batches.push(batch)
  }
  /** Writes what waits, as a worker that stops does. */
  const write = async (): Promise<void> => {
    await using _writing = lines.keep({ append }, { logger, everyMs: NEVER_MS })
  }
  const kept = () => batches.flat()
  return { log, batches, state, logger, lines, append, write, kept }
}

describe('a line', () => {
  it('of a step goes to its run, redacted as the log is', async () => {
    const { logger, write, kept } = keep()
    withRun(RUN, () => logger.warn({ legs: 3, apiToken: 'geheim' }, 'leg-poll-failed'))
    await write()
    expect(kept()).toMatchObject([{ ...RUN, level: 'warn', event: 'leg-poll-failed' }])
    expect(JSON.parse(kept()[0]?.data ?? '')).toEqual({ legs: 3, apiToken: '[redacted]' })
  })

  it('of a workflow goes to the run that it names', async () => {
    const { logger, write, kept } = keep()
    const meta = { sdkComponent: 'workflow' as const, ...RUN, legs: 3 }
    temporalLogger(logger).warn('shard-given-up', meta)
    temporalLogger(logger).warn('Activity failed', {
      ...{ sdkComponent: 'worker', workflowId: RUN.workflowId, workflowRunId: RUN.runId },
    })
    await write()
    expect(kept().map(({ event, runId }) => ({ event, runId }))).toEqual([
      { event: 'shard-given-up', runId: RUN.runId },
      { event: 'temporal-sdk', runId: RUN.runId },
    ])
  })

  it('of no run, or below the log’s level, is left to the log', async () => {
    const { logger, write, kept } = keep()
    logger.info({ workflowId: 'w', runId: 'not an id' }, 'process-started')
    withRun(RUN, () => logger.debug({}, 'quiet'))
    await write()
    expect(kept()).toEqual([])
  })

  it('that no text of the database can hold is made one; a long one is cut', async () => {
    const { logger, write, kept } = keep()
    withRun(RUN, () => {
      logger.info({ text: 'a\0b\\u0000\uD800' }, 'odd')
      logger.info({ text: 'x'.repeat(8_000) }, 'long')
    })
    await write()
    const [odd, long] = kept().map(({ data }) => JSON.parse(data) as Record<string, string>)
    expect(odd).toEqual({ text: 'ab\\u0000\uFFFD' })
    expect(long?.['cut']).toHaveLength(4_096)
  })
})

describe('writing', () => {
  it('takes a thousand lines a statement, and not one each', async () => {
    const { logger, batches, write } = keep()
    for (let i = 0; i < 3; i += 1) {
      const run = { ...RUN, runId: randomUUID() }
      withRun(run, () => {
        for (let n = 0; n < 500; n += 1) logger.info({ n }, 'line')
      })
    }
    await write()
    expect(batches.map((batch) => batch.length)).toEqual([1_000, 500])
  })

  it('goes on by itself while the process works', async () => {
    const { logger, lines, append, kept } = keep()
    await using _writing = lines.keep({ append }, { logger, everyMs: 5 })
    withRun(RUN, () => logger.info({}, 'first'))
    await expect.poll(kept).toHaveLength(1)
    withRun(RUN, () => logger.info({}, 'second'))
    await expect.poll(kept).toHaveLength(2)
  })

  it('waits for a database that is away, tells it once and fails nothing', async () => {
    const { logger, log, state, lines, append, write, kept } = keep()
    state.isAway = true
    const told = () => log.filter((line) => line.includes('run-lines-not-written')).length
    {
      await using _writing = lines.keep({ append }, { logger, everyMs: 5 })
      withRun(RUN, () => logger.info({}, 'while-away'))
      await expect.poll(told).toBe(1)
    }
    expect(told()).toBe(1)
    expect(kept()).toEqual([])
    state.isAway = false
    await write()
    expect(kept().map(({ event }) => event)).toEqual(['while-away'])
  })

  it('keeps the newest 5,000 that wait, and tells how many went', async () => {
    const { logger, log, write, kept } = keep()
    for (let i = 0; i < 5_001; i += 1) {
      const run = { ...RUN, runId: randomUUID() }
      withRun(run, () => logger.info({ i }, `line-${i}`))
    }
    await write()
    expect(kept()).toHaveLength(5_000)
    expect(kept()[0]?.event).toBe('line-1')
    expect(log.at(-1)).toContain('"data":{"lines":1},"event":"run-lines-lost"')
  })

  it('takes 1,000 lines of a run, so that others have room', async () => {
    const { logger, write, kept } = keep()
    const other = { ...RUN, runId: randomUUID() }
    withRun(RUN, () => {
      for (let i = 0; i < 6_000; i += 1) logger.info({ i }, 'line')
    })
    withRun(other, () => logger.info({}, 'of-another'))
    await write()
    expect(kept()).toHaveLength(1_001)
    expect(kept().at(-1)?.event).toBe('of-another')
  })
})
