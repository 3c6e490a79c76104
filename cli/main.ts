/**
 * The command line `groundstop`: finds the command, gives it its context, and turns failures into a
 * message for people and an exit code for scripts. Holds no work of its own.
 */
import { readdir } from 'node:fs/promises'
import { Command, CommanderError, InvalidArgumentError } from 'commander'

import { ConfigError, loadConfig } from '../config/config.ts'
import { KeyRingError } from '../domain/key-ring.ts'
import type { JobPack } from '../platform/job-packs.ts'
import { createShutdown } from '../platform/shutdown.ts'
import { CliError, EXIT } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { createContext } from './context.ts'

type Register = (program: Command, context: CliContext) => void

const FORCED_END_MS = 1_000
const COMMANDS = new URL('./commands/', import.meta.url)

async function main(): Promise<number> {
  const insisted = new AbortController()
  using shutdown = createShutdown({ force: (exitCode) => endSoon(exitCode, insisted) })
  const orphaned = new AbortController()
  // A child of `start` holds a channel to it; its end means that start was killed.
  if (process.channel !== undefined) {
    process.once('disconnect', () => orphaned.abort('SIGTERM'))
    process.channel.unref()
  }
  const signal = AbortSignal.any([shutdown.signal, orphaned.signal])
  const { signal: forced } = insisted
  const { stdout, stderr } = process
  for (const stream of [stdout, stderr]) stream.on('error', ignoreClosedPipe)
  try {
    const context = await createContext(process.env, { stdout, stderr }, { signal, forced })
    const packs = await loadPacks(context.env)
    const program = await buildProgram({ ...context, packs })
    await program.parseAsync(process.argv)
    return EXIT.ok
  } catch (error) {
    return explain(error, signal)
  }
}

/** Lets the command end what it started, then ends the process whatever still goes on. */
function endSoon(exitCode: number, insisted: AbortController): void {
  insisted.abort()
  // oxlint-disable-next-line unicorn/no-process-exit -- who signals twice does not want to wait
  setTimeout(() => process.exit(exitCode), FORCED_END_MS)
}

/** Whoever read our output has seen enough (`| head`): no reason to fail. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  // EIO: the terminal was closed.
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
}

/** Jobs of packs are known to every command: before commands are loaded, since they read the registry. */
async function loadPacks(env: NodeJS.ProcessEnv): Promise<readonly JobPack[]> {
  if ((env['JOB_PACKS']?.trim() ?? '') === '') return []
  const { loadJobPacks } = await import('../platform/job-packs.ts')
  return loadJobPacks(loadConfig(env).config.jobPacks)
}

async function buildProgram(context: CliContext): Promise<Command> {
  const program = new Command('groundstop')
    .description('Watches insured flights, decides policies by fixed rules and pays them.')
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
    })
    .exitOverride()
  for (const name of await commandNames()) {
    const module: { register: Register } = await import(new URL(`${name}.ts`, COMMANDS).href)
    module.register(program, context)
  }
  return program
}

/**
 * The commands whose files are needed: the one that was asked for, or all when none was. Loading all
 * of them takes a second, as the workers' and the API's packages come with them.
 */
async function commandNames(): Promise<string[]> {
  const files = (await readdir(COMMANDS)).filter((name) => name.endsWith('.ts')).toSorted()
  const names = files.map((name) => name.slice(0, -'.ts'.length))
  const asked = process.argv.slice(2).find((word) => !word.startsWith('-'))
  return asked !== undefined && names.includes(asked) ? [asked] : names
}

function explain(error: unknown, signal: AbortSignal): number {
  if (error instanceof InvalidArgumentError) {
    // Thrown by an action, which Commander does not print.
    process.stderr.write(`groundstop: ${error.message}\n`)
    return EXIT.usage
  }
  if (error instanceof CommanderError) {
    // Commander has printed its message; help that was asked for is no failure.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
  if (error instanceof CliError || error instanceof ConfigError) {
    process.stderr.write(`groundstop: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof KeyRingError) {
    process.stderr.write(`groundstop: payload keys: ${error.message}\n`)
    return EXIT.config
  }
  if (signal.aborted) return signal.reason === 'SIGINT' ? 130 : 143
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`groundstop: ${text}\n`)
  return EXIT.failed
}

process.exitCode = await main()
