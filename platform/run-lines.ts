/**
 * Log lines of runs on their way to the database: gathered in memory as they are logged, written in
 * batches beside the work. Never holds a run up, never fails one, and never grows without bound.
 */
import { randomUUID } from 'node:crypto'

import { RUN_LINES_AT_MOST, type RunLogStore, type WrittenLine } from '../domain/ports/run-log.ts'
import { instantFromMs, SECOND_MS } from '../domain/time.ts'
import { currentRun, type RunRef } from './correlation.ts'
import type { LoggedLine, Logger } from './logger.ts'

/** Between two writes: what was logged can be read a second later. */
const WRITE_EVERY_MS = SECOND_MS

/** Lines of one statement, some 20 ms. */
const LINES_PER_WRITE = 1_000

/** Lines that wait while the database is away, some megabytes; the oldest go beyond that. */
const LINES_WAITING_AT_MOST = 5_000

/** A line's data as JSON; longer ones are cut: a log line is not a dump. */
const DATA_CHARACTERS = 4_096

/** Lines of this process's runs. */
export type RunLines = {
  /** Takes a line of a run, and leaves every other. Costs microseconds and never throws. */
  readonly take: (line: LoggedLine) => void
  /** Starts writing; dispose of it to write the rest and stop. `everyMs`: between writes, default 1,000. */
  keep(
    store: Pick<RunLogStore, 'append'>,
    options: { readonly logger: Logger; readonly everyMs?: number },
  ): AsyncDisposable
}

/** Nothing is written before `keep`. */
export function createRunLines(): RunLines {
  const writer = randomUUID()
  const taken = new Map<string, number>()
  let waiting: WrittenLine[] = []
  let [n, lost] = [0, 0]
  const trim = (): void => {
    const tooMany = Math.max(0, waiting.length - LINES_WAITING_AT_MOST)
    waiting = tooMany === 0 ? waiting : waiting.slice(tooMany)
    lost += tooMany
  }
  return {
    take({ at, level, event, data }) {
      const run = currentRun() ?? runNamedIn(data)
      if (run === null) return
      // One run that says too much does not push the lines of others out.
      const count = (taken.get(run.runId) ?? 0) + 1
      taken.set(run.runId, count)
      if (count > RUN_LINES_AT_MOST) return
      n += 1
      const { workflowId, runId } = run
      const line = { workflowId, runId, at: instantFromMs(at), level, event: plain(event) }
      waiting.push({ ...line, writer, n, data: dataOf(data) })
      // Seldom, as it moves all of them.
      if (waiting.length >= LINES_WAITING_AT_MOST + LINES_PER_WRITE) trim()
    },
    keep(store, { logger, everyMs = WRITE_EVERY_MS }) {
      const next = (): WrittenLine[] => {
        trim()
        const batch = waiting.slice(0, LINES_PER_WRITE)
        waiting = waiting.slice(batch.length)
        return batch
      }
      const giveBack = (batch: readonly WrittenLine[]): void => {
        waiting = [...batch, ...waiting]
      }
      const told = () => lost
      return writing({ store, logger, everyMs, next, giveBack, told, onPass: () => taken.clear() })
    },
  }
}

type Writing = {
  readonly store: Pick<RunLogStore, 'append'>
  readonly logger: Logger
  readonly everyMs: number
  /** The next batch, taken out; empty when nothing waits. */
  readonly next: () => WrittenLine[]
  readonly giveBack: (batch: readonly WrittenLine[]) => void
  /** Lines lost so far. */
  readonly told: () => number
  readonly onPass: () => void
}

function writing(deps: Writing): AsyncDisposable {
  let isFailing = false
  let lostBefore = 0
  const pass = async (): Promise<void> => {
    deps.onPass()
    for (let batch = deps.next(); batch.length > 0; batch = deps.next()) {
      try {
        await deps.store.append(batch)
        isFailing = false
      } catch (error) {
        deps.giveBack(batch)
        // Told once: a database that is away is told of elsewhere, over and over.
        if (!isFailing) deps.logger.warn({ error }, 'run-lines-not-written')
        isFailing = true
        return
      }
    }
    const lost = deps.told()
    if (lost > lostBefore) deps.logger.warn({ lines: lost - lostBefore }, 'run-lines-lost')
    lostBefore = lost
  }
  let passing: Promise<void> = Promise.resolve()
  const timer = setInterval(() => {
    passing = passing.then(pass)
  }, deps.everyMs)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await passing.then(pass)
    },
  }
}

/** Lines of the SDK and of workflows name their run in their data. */
function runNamedIn(data: Readonly<Record<string, unknown>>): RunRef | null {
  const { workflowId, runId = data['workflowRunId'] } = data
  if (typeof workflowId !== 'string' || typeof runId !== 'string') return null
  return UUID.test(runId) ? { workflowId, runId } : null
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function dataOf(data: unknown): string {
  const written = JSON.stringify(data)
  // Only what is escaped can be something that a text cannot hold; looking at each costs as much again.
  const text = written.includes('\\u') ? JSON.stringify(data, plainMember) : written
  if (text.length <= DATA_CHARACTERS) return text
  return JSON.stringify({ cut: text.slice(0, DATA_CHARACTERS).toWellFormed() })
}

function plainMember(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? plain(value) : value
}

/** Without what a text of PostgreSQL cannot hold. */
function plain(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}
