/** `groundstop simulator flights|payments|mail`: a local provider alone, as a child process. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'

const SIMULATOR = fileURLToPath(new URL('../../simulator/main.ts', import.meta.url))

const PROVIDERS = {
  flights:
    'a flight-data server in the dialects of AeroAPI and aviationstack: --flights FILE... ' +
    '[--clock URL] [--host HOST] [--port PORT] [--seed N] [--faults FILE|JSON]',
  payments:
    'a payment server in the Stripe v1 dialect: [--log FILE] [--clock URL] [--host HOST] ' +
    '[--port PORT] [--seed N] [--faults FILE|JSON] ' +
    '[--webhook URL --webhook-secret TEXT [--webhook-types TYPE,TYPE]]',
  mail:
    'a mail server that keeps what it is sent and shows it: [--smtp-port PORT] [--keep N] ' +
    '[--host HOST] [--port PORT]',
} as const

/** Adds the command; its options are the simulator's own and are passed on as they are. */
export function register(program: Command, context: CliContext): void {
  const command = program.command('simulator').description('run a local provider alone')
  for (const [name, description] of Object.entries(PROVIDERS)) {
    command
      .command(name)
      .description(description)
      .allowUnknownOption()
      .allowExcessArguments()
      .argument('[options...]')
      .action((args: string[]) => runSimulator([name, ...args], context))
  }
}

/** Resolves when the child has ended well or was stopped by our signal; else throws CliError. */
async function runSimulator(args: readonly string[], context: CliContext): Promise<void> {
  // The channel tells the simulator when this process was killed; nothing is sent over it.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const
  const child = spawn(process.execPath, [SIMULATOR, ...args], { stdio: [...stdio] })
  const stop = () => child.kill('SIGTERM')
  context.signal.addEventListener('abort', stop, { once: true })
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
    })
    const wasStopped = exitCode === null && context.signal.aborted
    if (exitCode !== 0 && !wasStopped) throw new CliError('the simulator failed', exitCode ?? 1)
  } finally {
    context.signal.removeEventListener('abort', stop)
  }
}
