/** Starts tracing where the configuration names a collector; elsewhere nothing of it is even loaded. */
import type { Context } from '@opentelemetry/api'

import type { Config, Secrets } from '../../config/config.ts'
import type { EndedRun, TraceRef } from '../../domain/trace-ref.ts'
import type { Logger } from '../logger.ts'

/** A run's span, whose id is known before it ends. */
export type RunSpan = Omit<EndedRun, 'outcome'> & {
  readonly name: string
  readonly isFailed: boolean
  readonly attributes: Readonly<Record<string, string>>
}

/** Tracing that is on. Disposing of it sends what is left, for 2 s at most. */
export type Tracing = AsyncDisposable & {
  /** What steps of a run are part of. */
  contextOf(ref: TraceRef): Context
  /** Tells a run that has ended. */
  runEnded(run: RunSpan): void
}

/** What a process traces as. */
export type TracingOptions = {
  readonly config: NonNullable<Config['tracing']>
  /** Of requests to the collector, for its token. */
  readonly headers: Readonly<Record<string, string>>
  readonly process: 'api' | 'worker'
  readonly logger: Logger
}

/** Of a process by its configuration. */
export function tracingOptions(
  { tracing: config }: Pick<Config, 'tracing'>,
  { traceHeaders }: Pick<Secrets, 'traceHeaders'>,
  process: TracingOptions['process'],
  logger: Logger,
): Parameters<typeof startTracing>[0] {
  return { config, headers: traceHeaders ?? {}, process, logger }
}

/** Null: no collector is named. */
export async function startTracing(
  options: Omit<TracingOptions, 'config'> & { readonly config: Config['tracing'] },
): Promise<Tracing | null> {
  const { config } = options
  if (config === null) return null
  const { startOtlp } = await import('./otlp.ts')
  return startOtlp({ ...options, config })
}
