/** What every command is given: the environment with the running instance's addresses, and streams. */
import type { JobPack } from '../platform/job-packs.ts'
import { readRunFile, runningEnvironment } from './run-file.ts'

export type CliContext = {
  /** The environment; what it does not set is taken from the instance that runs in its home. */
  readonly env: NodeJS.ProcessEnv
  readonly stdout: NodeJS.WritableStream
  readonly stderr: NodeJS.WritableStream
  /** Aborted when the command is to stop: Ctrl-C, SIGTERM, or the end of the `start` it belongs to. */
  readonly signal: AbortSignal
  /** Aborted when somebody insists (a second Ctrl-C); the process ends shortly after. */
  readonly forced?: AbortSignal
  /** Packs whose jobs were put into the registry; a command that a test runs has none. */
  readonly packs?: readonly JobPack[]
}

/**
 * The context of one command line. Variables that are set win over the running instance's; a home
 * without a running instance adds nothing.
 */
export async function createContext(
  env: NodeJS.ProcessEnv,
  streams: { readonly stdout: NodeJS.WritableStream; readonly stderr: NodeJS.WritableStream },
  signals: { readonly signal: AbortSignal; readonly forced: AbortSignal },
): Promise<CliContext> {
  const home = env['GROUNDSTOP_HOME']?.trim() || '.groundstop'
  const running = await readRunFile(home)
  const added = running === null ? {} : runningEnvironment(running)
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  return { env: { ...added, ...set }, ...streams, ...signals }
}
