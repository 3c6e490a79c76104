/** Starts a run of a job from the command line: noted in the audit trail, awaited when asked. */
import { loadConfig } from '../../config/config.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import type { JobPriority } from '../../jobs/define-job.ts'
import { findJob, type AnyJob } from '../../jobs/registry.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import {
  checkStart,
  JobConflictError,
  JobInputError,
  JobNotEnabledError,
  JobQueueFullError,
  startJob,
} from '../../platform/temporal/job-starter.ts'
import { describeFailure } from '../../platform/temporal/runs.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { loginActor } from '../note-options.ts'
import { connectTemporal } from '../temporal-access.ts'

/** How a run is started. */
export type RunOptions = {
  readonly input: unknown
  readonly priority?: JobPriority
  /** For whom; see the job starter. */
  readonly tenant?: string
  /** Prints the result at the end instead of the run's id at once. */
  readonly wait: boolean
}

/** Starts it, or joins the open one of the same input. Throws CliError. */
export async function runJob(
  context: CliContext,
  jobName: string,
  options: RunOptions,
): Promise<void> {
  const job = findJob(jobName)
  if (job === undefined) throw new CliError(`there is no job ${jobName}`, EXIT.usage)
  const { config, secrets } = loadConfig(context.env)
  await using server = await connectTemporal(context, config)
  const { input, priority, tenant, wait } = options
  const terms = config.jobTerms
  const started = await explained(async () => {
    // What cannot be started leaves no note that it was.
    checkStart({ job: job.name, input }, terms)
    if (secrets.databaseUrl !== null) await noteStart(context, job, priority ?? job.priority)
    return startJob(
      { client: server.client, terms },
      {
        ...{ job: job.name, input, trigger: 'cli' },
        ...(priority === undefined ? {} : { priority }),
        ...(tenant === undefined ? {} : { tenant }),
      },
    )
  })
  const { workflowId, runId } = started
  if (!wait) {
    context.stdout.write(`${JSON.stringify(started)}\n`)
    return
  }
  try {
    const handle = server.client.workflow.getHandle(workflowId, undefined, {
      firstExecutionRunId: runId,
    })
    context.stdout.write(`${JSON.stringify(await handle.result(), null, 2)}\n`)
  } catch (error) {
    throw new CliError(`${workflowId} did not succeed: ${describeFailure(error)}`, EXIT.failed)
  }
}

/** Noted before it is asked for, as the API does. Who reaches Temporal alone leaves no note here. */
async function noteStart(context: CliContext, job: AnyJob, priority: JobPriority): Promise<void> {
  await using database = await openDatabase(context)
  const { db } = database
  await createAuditLog(db).record({
    at: await createVirtualClock(createClockStore(db)).now(),
    actor: loginActor(),
    action: 'job.start',
    subject: `job:${job.name}`,
    details: { before: null, after: { executeAt: null, priority } },
  })
}

async function explained<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    if (error instanceof JobInputError || error instanceof JobNotEnabledError) {
      throw new CliError(error.message, EXIT.usage, { cause: error })
    }
    if (error instanceof JobConflictError || error instanceof JobQueueFullError) {
      throw new CliError(error.message, EXIT.failed, { cause: error })
    }
    throw error
  }
}
