/** `groundstop jobs run|list|show|watch|logs|reschedule|limits|types`: starts runs, shows how they went. */
import { setTimeout as sleep } from 'node:timers/promises'

import { InvalidArgumentError, Option, type Command } from 'commander'

import { loadConfig } from '../../config/config.ts'
import { RUN_TENANT } from '../../domain/plain-text.ts'
import { JOB_PRIORITIES, type JobPriority } from '../../jobs/define-job.ts'
import { allJobs, findJob, type AnyJob } from '../../jobs/registry.ts'
import type { OwnedClient } from '../../platform/temporal/connection.ts'
import {
  InvalidCursorError,
  listJobRuns,
  NoSuchJobRunError,
  readJobRun,
  RUN_STATUSES,
  type JobRun,
  type JobRunDetails,
  type JobRunPage,
  type JobRunStatus,
} from '../../platform/temporal/job-runs.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { showJobLimits } from '../control/job-limits.ts'
import { addJobReschedule } from '../control/reschedule-job.ts'
import { runJob, type RunOptions } from '../control/run-job.ts'
import { addJobLogCommand } from '../reads/job-log.ts'
import { addReadOptions, type ReadFlags } from '../reads/reading.ts'
import { connectTemporal } from '../temporal-access.ts'
import { searchText, uuid } from '../text-arguments.ts'

const LIST_LIMIT = 20
const LIST_LIMIT_AT_MOST = 100

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const jobs = program.command('jobs').description('runs of jobs')
  jobs
    .command('run')
    .description('start a run, or join the one that is open for the same input')
    .argument('<job>', 'name or type: flight-monitor, FLIGHT_MONITOR', parseJob)
    .option('--input <json>', "the job's input", parseInput, {})
    .addOption(new Option('--priority <priority>').choices(JOB_PRIORITIES).argParser(parsePriority))
    .option('--tenant <name>', 'for whom: tenants that wait take turns', parseTenant)
    .option('--wait', 'wait for its end and print the result', false)
    .action(async (job: AnyJob, options: RunOptions) => runJob(context, job.name, options))
  jobs
    .command('list')
    .description('runs, the open ones first')
    .option('--job <job>', 'only runs of this job', parseJob)
    .addOption(new Option('--status <status>', 'how they are').choices(RUN_STATUSES))
    .option('--limit <n>', 'at most this many', parseLimit, LIST_LIMIT)
    .option('--cursor <text>', 'go on after an earlier page')
    .option('--json', 'print one JSON object, as the API gives it', false)
    .action(async (options: ListOptions) => listJobs(context, options))
  addReadOptions(jobs.command('show'))
    .description('one run: input, state, result or error')
    .argument('<id>', 'the workflow id, as flight-monitor:all', searchText(255))
    .option('--run <run>', 'this run of the id, by its run id; the newest when left out', uuid)
    .action(async (id: string, flags: ShowFlags) => showJob(context, id, flags))
  jobs
    .command('watch')
    .description('tell how far a run is until it ends; fails when it does not succeed')
    .argument('<id>', 'the workflow id, as flight-monitor:all', searchText(255))
    .action(async (id: string) => watchJob(context, id))
  addJobReschedule(jobs, context)
  jobs
    .command('limits')
    .description('jobs with limits over all workers: who is at work, who waits')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => showJobLimits(context, json))
  addJobLogCommand(jobs, context)
  jobs
    .command('types')
    .description('the jobs that there are')
    .action(() => {
      const lines = allJobs().map((job) => `${job.name} (${job.type}): ${job.summary}`)
      context.stdout.write(`${lines.join('\n')}\n`)
    })
}

type ListOptions = {
  readonly job?: AnyJob
  readonly status?: JobRunStatus
  readonly limit: number
  readonly cursor?: string
  readonly json: boolean
}

async function listJobs(context: CliContext, options: ListOptions): Promise<void> {
  const { job, status, limit, cursor, json } = options
  await using server = await connect(context)
  const page = await listJobRuns(server.client, { job, status }, { limit, cursor }).catch(
    (error: unknown) => {
      if (!(error instanceof InvalidCursorError)) throw error
      throw new CliError(`--cursor: ${error.message}`, EXIT.usage, { cause: error })
    },
  )
  context.stdout.write(`${json ? JSON.stringify(page) : linesOf(page).join('\n')}\n`)
}

function linesOf({ jobs, nextCursor }: JobRunPage): string[] {
  if (jobs.length === 0) return ['no runs']
  return [...jobs.map(lineOf), ...(nextCursor === null ? [] : ['', `more: --cursor ${nextCursor}`])]
}

function lineOf({ id, status, executeAt, durationMs }: JobRun): string {
  const took = durationMs === null ? '' : ` ${durationMs} ms`
  return `${executeAt} ${status.padEnd(10)} ${id}${took}`
}

type ShowFlags = ReadFlags & { readonly run?: string }

async function showJob(context: CliContext, id: string, { run, json }: ShowFlags): Promise<void> {
  await using server = await connect(context)
  const found = await runOf(server, id, run)
  context.stdout.write(`${json ? JSON.stringify(found) : JSON.stringify(found, null, 2)}\n`)
}

async function runOf({ client }: OwnedClient, id: string, runId?: string): Promise<JobRunDetails> {
  try {
    return await readJobRun(client, id, runId)
  } catch (error) {
    if (!(error instanceof NoSuchJobRunError)) throw error
    throw new CliError(`no run has the id ${id}`, EXIT.failed, { cause: error })
  }
}

/** Steps tell once a second. */
const WATCH_EVERY_MS = 1_000

async function watchJob(context: CliContext, id: string): Promise<void> {
  await using server = await connect(context)
  let last = ''
  for (;;) {
    const { status, finishedAt, error, progress } = await runOf(server, id)
    const line = finishedAt === null ? (progress?.message ?? 'no step is open') : status
    if (line !== last) context.stdout.write(`${line}\n`)
    last = line
    if (finishedAt !== null) {
      if (error !== null) throw new CliError(`${error.type}: ${error.message}`, EXIT.failed)
      return
    }
    await sleep(WATCH_EVERY_MS, undefined, { signal: context.signal })
  }
}

function connect(context: CliContext): Promise<OwnedClient> {
  const { config } = loadConfig(context.env)
  return connectTemporal(context, config)
}

function parseJob(text: string): AnyJob {
  const job = findJob(text)
  if (job !== undefined) return job
  const names = allJobs().map(({ name }) => name)
  throw new InvalidArgumentError(`there are ${names.join(', ')}`)
}

function parseInput(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('it must be JSON')
  }
}

function parsePriority(text: string): JobPriority {
  const priority = JOB_PRIORITIES.find((one) => one === text.toUpperCase())
  if (priority === undefined) throw new InvalidArgumentError(JOB_PRIORITIES.join(', '))
  return priority
}

function parseTenant(text: string): string {
  if (RUN_TENANT.test(text)) return text
  throw new InvalidArgumentError('1 to 64 letters, digits, . _ or -')
}

function parseLimit(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIST_LIMIT_AT_MOST) return limit
  throw new InvalidArgumentError(`a whole number from 1 to ${LIST_LIMIT_AT_MOST}`)
}
