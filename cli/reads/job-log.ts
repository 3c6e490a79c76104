/** `groundstop jobs logs`: what a run has logged, and what it goes on to log. */
import { setTimeout as sleep } from 'node:timers/promises'

import type { Client } from '@temporalio/client'
import type { Command } from 'commander'
import { Option } from 'commander'

import { createRunLogStore } from '../../db/stores/run-log-store.ts'
import { PAGE_LIMIT } from '../../domain/ports/page.ts'
import {
  LINE_LEVELS,
  type LineLevel,
  type RunLine,
  type RunLineFilter,
  type RunLogStore,
} from '../../domain/ports/run-log.ts'
import { addMs, SECOND_MS } from '../../domain/time.ts'
import { describeJobRun, NoSuchJobRunError } from '../../platform/temporal/job-runs.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { timeText } from '../screen/table.ts'
import { connectTemporal } from '../temporal-access.ts'
import { searchText, uuid } from '../text-arguments.ts'

type LogFlags = {
  readonly run?: string
  readonly level?: LineLevel
  readonly follow: boolean
  readonly json: boolean
}

/** Between two looks while following. */
const LOOK_EVERY_MS = SECOND_MS

/** A worker writes its lines once a second: those of several do not come in the order of their time. */
const LATE_MS = 5 * SECOND_MS

/** Adds `logs` to `jobs`. */
export function addJobLogCommand(jobs: Command, context: CliContext): void {
  jobs
    .command('logs')
    .description('what a run has logged, all attempts of its id')
    .argument('<id>', 'the workflow id, as flight-monitor:all', searchText(255))
    .option('--run <run>', 'only this attempt, by its run id', uuid)
    .addOption(new Option('--level <level>', 'this level and worse ones').choices(LINE_LEVELS))
    .option('--follow', 'go on until the run has ended', false)
    .option('--json', 'one JSON object a line, as the API gives them', false)
    .action((id: string, flags: LogFlags) => showLog(context, id, flags))
}

async function showLog(context: CliContext, id: string, flags: LogFlags): Promise<void> {
  await using database = await openDatabase(context)
  const runLog = createRunLogStore(database.db)
  const print = (line: RunLine): void => {
    context.stdout.write(`${flags.json ? JSON.stringify(line) : lineText(line)}\n`)
  }
  const filter: RunLineFilter = { workflowId: id, runId: flags.run, level: flags.level }
  if (flags.follow) await follow(context, { runLog, filter, print, config: database.config })
  else if ((await printAll(runLog, filter, print)) === null) {
    context.stderr.write(`nothing is kept of what ${id} logged\n`)
  }
}

/** Prints every line that fits; gives the last, null when there is none. */
async function printAll(
  runLog: Pick<RunLogStore, 'list'>,
  filter: RunLineFilter,
  print: (line: RunLine) => void,
): Promise<RunLine | null> {
  let last: RunLine | null = null
  let cursor: string | undefined
  do {
    const page = await runLog.list(filter, { limit: PAGE_LIMIT, cursor })
    page.items.forEach(print)
    last = page.items.at(-1) ?? last
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return last
}

type Following = {
  readonly runLog: Pick<RunLogStore, 'list'>
  readonly filter: RunLineFilter
  readonly print: (line: RunLine) => void
  readonly config: Parameters<typeof connectTemporal>[1]
}

/** Looks again and again, once more after the end: its last lines are written a second later. */
async function follow(
  context: CliContext,
  { runLog, filter, print, config }: Following,
): Promise<void> {
  await using server = await connectTemporal(context, config)
  let seen = new Set<string>()
  let last: RunLine | null = null
  for (let isOver = false; ;) {
    const since: RunLineFilter['since'] = last === null ? undefined : addMs(last.at, -LATE_MS)
    const shown = new Set<string>()
    const found = await printAll(runLog, { ...filter, since }, (line) => {
      const key = JSON.stringify(line)
      shown.add(key)
      if (!seen.has(key)) print(line)
    })
    seen = shown
    last = found ?? last
    if (isOver) return
    isOver = await hasEnded(server.client, filter.workflowId)
    await sleep(isOver ? 2 * LOOK_EVERY_MS : LOOK_EVERY_MS, undefined, { signal: context.signal })
  }
}

async function hasEnded(client: Client, id: string): Promise<boolean> {
  try {
    return (await describeJobRun(client, id)).run.finishedAt !== null
  } catch (error) {
    // Its lines are kept for longer than the run.
    if (error instanceof NoSuchJobRunError) return true
    throw error
  }
}

function lineText({ at, level, event, data }: RunLine): string {
  const fields = Object.entries(data ?? {})
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [timeText(at), level.toUpperCase().padEnd(5), event, ...fields].join(' ')
}
