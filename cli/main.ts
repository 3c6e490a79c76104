/**
 * The command line `groundstop` as a process: its streams, its signals, the jobs of packs, and the exit
 * code of its command. Holds no work of its own.
 */
import { loadConfig } from '../config/config.ts'
import type { JobPack } from '../platform/job-packs.ts'
import { createShutdown } from '../platform/shutdown.ts'
import { runCommandLine } from './command-line.ts'
import { createContext } from './context.ts'
import { explainFailure } from './failure-text.ts'

const FORCED_END_MS = 1_000

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
    return await runCommandLine(process.argv.slice(2), { ...context, packs })
  } catch (error) {
    const { message, exitCode } = explainFailure(error, { env: process.env, signal })
    if (message !== null) stderr.write(`groundstop: ${message}\n`)
    return exitCode
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

process.exitCode = await main()
