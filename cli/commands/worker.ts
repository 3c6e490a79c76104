/** `groundstop worker`: serves task queues until it is stopped. */
import { InvalidArgumentError, type Command } from 'commander'

import type { JobQueue } from '../../jobs/define-job.ts'
import { allJobs } from '../../jobs/registry.ts'
import type { CliContext } from '../context.ts'

/** The worker is a program of its own; the command line only starts it. */
type WorkerMain = {
  readonly runWorkers: (options: {
    readonly env: NodeJS.ProcessEnv
    readonly queues?: readonly JobQueue[]
    readonly packs?: CliContext['packs']
    readonly stdout: NodeJS.WritableStream
    readonly signal: AbortSignal
  }) => Promise<void>
}

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  program
    .command('worker')
    .description('carry out runs: take tasks from the queues until stopped')
    .option('--queues <names>', 'only these queues, comma-separated', parseQueues)
    .action(async ({ queues }: { queues?: JobQueue[] }) => {
      const main: WorkerMain = await import(new URL('../../workers/main.ts', import.meta.url).href)
      const { env, stdout, signal, packs } = context
      await main.runWorkers({
        env,
        stdout,
        signal,
        packs,
        ...(queues === undefined ? {} : { queues }),
      })
    })
}

function parseQueues(text: string): JobQueue[] {
  const known = [...new Set(allJobs().map((job) => job.queue))]
  return text.split(',').map((name) => {
    const queue = known.find((one) => one === name.trim())
    if (queue === undefined) {
      throw new InvalidArgumentError(`no jobs on a queue ${name}; there are ${known.join(', ')}`)
    }
    return queue
  })
}
