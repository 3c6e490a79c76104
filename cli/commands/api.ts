/** `groundstop api`: runs the HTTP API and the metrics page until it is stopped. */
import type { Command } from 'commander'

import { loadConfig } from '../../config/config.ts'
import type { Config, Secrets } from '../../config/config.ts'
import { untilAborted } from '../../platform/shutdown.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'

/** The API is a program of its own; the command line only starts it. */
type ApiMain = {
  readonly startApi: (options: {
    readonly config: Config
    readonly secrets: Secrets
    readonly env: NodeJS.ProcessEnv
  }) => Promise<AsyncDisposable & { readonly url: string; readonly metricsUrl: string }>
}

/** Adds the command. Prints one line `{"listening": ..., "metrics": ...}` when it is ready. */
export function register(program: Command, context: CliContext): void {
  program
    .command('api')
    .description('run the HTTP API (API_HOST, API_PORT) and the metrics page (METRICS_PORT)')
    .action(() => runApi(context))
}

async function runApi(context: CliContext): Promise<void> {
  const { config, secrets } = loadConfig(context.env)
  const main: ApiMain = await import(new URL('../../api/main.ts', import.meta.url).href)
  try {
    await using api = await main.startApi({ config, secrets, env: context.env })
    context.stdout.write(`${JSON.stringify({ listening: api.url, metrics: api.metricsUrl })}\n`)
    await untilAborted(context.signal)
  } catch (error) {
    throw explainListen(error)
  }
}

/** Why it cannot listen, in words. Other errors are given as they are. */
function explainListen(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return error
  const at = `${'address' in error ? String(error.address) : ''}:${String(error.port)}`
  const message =
    error.code === 'EADDRINUSE'
      ? `${at} is in use: set API_PORT or METRICS_PORT, or stop what listens there`
      : `cannot listen at ${at}: ${error.message}`
  return new CliError(message, undefined, { cause: error })
}
