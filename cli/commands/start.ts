/** `groundstop start`: runs everything on this machine until it is stopped. */
import { access } from 'node:fs/promises'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'

import { loadConfig } from '../../config/config.ts'
import type { Instant } from '../../domain/time.ts'
import { parseInstant } from '../../domain/time.ts'
import { PortTakenError } from '../../platform/embedded/ports.ts'
import { TemporalBinaryError } from '../../platform/embedded/temporal-binary.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { readRunFile } from '../run-file.ts'
import { addressLines } from '../screen/lines.ts'
import { createScreen } from '../screen/screen.ts'
import { PartFailedError } from '../start/child-process.ts'
import { homeOf, prepareHome, wipeHome } from '../start/home.ts'
import { runInstance } from '../start/instance.ts'
import type { StartOptions } from '../start/plan.ts'
import { planStart } from '../start/plan.ts'
import { StartLockedError, takeStartLock } from '../start/start-lock.ts'

type Flags = {
  readonly speed?: number
  readonly clockStart?: Instant
  readonly flights: readonly string[]
  readonly policies: readonly string[]
  readonly fresh: boolean
}

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  program
    .command('start')
    .description('run everything on this machine: servers, local providers, worker and API')
    .option('--speed <n>', 'virtual seconds per second, 0 stops the clock', speedOf)
    .option('--clock-start <instant>', 'set virtual time, as 2013-02-08T12:00:00Z', instantOf)
    .option('--flights <file>', 'leg pack for the local flight data; repeatable', collect, [])
    .option('--policies <file>', 'policies to import, csv or jsonl; repeatable', collect, [])
    .option('--fresh', 'begin anew: removes the data of this home', false)
    .action(async (flags: Flags) => start(flags, context))
}

async function start(flags: Flags, context: CliContext): Promise<void> {
  const { config, secrets } = loadConfig(context.env)
  const options: StartOptions = {
    speed: flags.speed ?? null,
    clockStart: flags.clockStart ?? null,
    flights: flags.flights,
    policies: flags.policies,
    fresh: flags.fresh,
  }
  const plan = planStart(options, context.env, config, secrets)
  await Promise.all([...options.flights, ...options.policies].map(requireFile))
  const home = homeOf(config.homeDir)
  const screen = createScreen(context.stdout)
  try {
    await using _lock = await takeStartLock(home.folder)
    if (options.fresh) await wipeHome(home)
    await prepareHome(home)
    const { env, signal, forced = new AbortController().signal } = context
    await runInstance({ options, plan, config, secrets, home, env, screen, signal, forced })
  } catch (error) {
    throw await explained(error, home.folder)
  }
  screen.note('stopped; the next start goes on from here')
}

/** Failures that a person can act upon lose their stack; everything else keeps it. */
async function explained(error: unknown, folder: string): Promise<unknown> {
  if (error instanceof StartLockedError) {
    const run = await readRunFile(folder)
    const where = run === null ? ['it is starting up'] : addressLines(run)
    return new CliError([error.message, ...where.map((line) => `  ${line}`)].join('\n'))
  }
  const isForPeople =
    error instanceof PortTakenError ||
    error instanceof TemporalBinaryError ||
    error instanceof PartFailedError
  return isForPeople ? new CliError(error.message, EXIT.failed, { cause: error }) : error
}

async function requireFile(path: string): Promise<void> {
  await access(path).catch((cause: unknown) => {
    throw new CliError(`${path} cannot be read`, EXIT.usage, { cause })
  })
}

function speedOf(text: string): number {
  const speed = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || speed > 100_000) {
    throw new InvalidArgumentError('It must be a number from 0 to 100000.')
  }
  return speed
}

function instantOf(text: string): Instant {
  try {
    return parseInstant(text)
  } catch {
    throw new InvalidArgumentError('It must be an instant with an offset: 2013-02-08T12:00:00Z.')
  }
}

function collect(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, value]
}
