/** What people and scripts are told of a failure: a sentence without a stack, and an exit code. */
import { CommanderError, InvalidArgumentError } from 'commander'

import { ConfigError } from '../config/config.ts'
import { KeyRingError } from '../domain/key-ring.ts'
import { unavailablePart } from '../platform/unavailable-part.ts'
import { CliError, EXIT } from './cli-error.ts'
import type { CliContext } from './context.ts'

/** `message` is null where it was printed already, or where nothing went wrong. */
export type FailureText = { readonly message: string | null; readonly exitCode: number }

/** The text of what a command threw. Only what nobody foresaw comes with its stack. */
export function explainFailure(
  error: unknown,
  { env, signal }: Pick<CliContext, 'env' | 'signal'>,
): FailureText {
  // Thrown by an action, which Commander does not print.
  if (error instanceof InvalidArgumentError) return { message: error.message, exitCode: EXIT.usage }
  if (error instanceof CommanderError) {
    // Commander has printed its message; help that was asked for is no failure.
    return { message: null, exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage }
  }
  if (error instanceof CliError || error instanceof ConfigError) {
    return { message: error.message, exitCode: error.exitCode }
  }
  if (error instanceof KeyRingError) {
    return { message: `payload keys: ${error.message}`, exitCode: EXIT.config }
  }
  if (signal.aborted) {
    return { message: null, exitCode: signal.reason === 'SIGINT' ? 130 : 143 }
  }
  return partFailure(error, env) ?? { message: stackOf(error), exitCode: EXIT.failed }
}

/**
 * Errors of parts by name, with what to do after what they say: their classes come with whole packages,
 * which a command that needs none of them should not load.
 */
const NAMED: Readonly<Record<string, { readonly hint: string; readonly exitCode: number }>> = {
  SchemaOutdatedError: { hint: ': run `groundstop migrate`', exitCode: EXIT.failed },
  TemporalUnavailableError: {
    hint: ': run `groundstop start`, or set TEMPORAL_ADDRESS',
    exitCode: EXIT.failed,
  },
  NamespaceNotFoundError: { hint: ': set TEMPORAL_NAMESPACE', exitCode: EXIT.config },
  PayloadKeyError: { hint: '', exitCode: EXIT.config },
}

/** A part that is away, or that is there and is not what this version needs; null for anything else. */
function partFailure(error: unknown, env: NodeJS.ProcessEnv): FailureText | null {
  const named = error instanceof Error ? NAMED[error.name] : undefined
  if (error instanceof Error && named !== undefined) {
    return { message: error.message + named.hint, exitCode: named.exitCode }
  }
  switch (unavailablePart(error)) {
    case 'database':
      return {
        message: `no database answers at ${databaseHost(env)}: run \`groundstop start\`, or set DATABASE_URL`,
        exitCode: EXIT.failed,
      }
    case 'temporal':
      return { message: 'the Temporal server does not answer: try again', exitCode: EXIT.failed }
    case null:
      return databaseFailure(error) ?? temporalFailure(error)
  }
}

/** Where `DATABASE_URL` points to, without who asks and their password. */
function databaseHost(env: NodeJS.ProcessEnv): string {
  return URL.parse(env['DATABASE_URL'] ?? '')?.host ?? 'the address of DATABASE_URL'
}

/** What the server of the database says before it takes a statement, and of tables that it does not have. */
function databaseFailure(error: unknown): FailureText | null {
  const cause = withSqlState(error)
  if (cause === null) return null
  const { code, message } = cause
  if (code.startsWith('28') || code === '3D000') {
    return { message: `DATABASE_URL: ${message}`, exitCode: EXIT.config }
  }
  if (code === '42P01' || code === '42703') {
    const told = `the database is not of this version (${message}): run \`groundstop migrate\``
    return { message: told, exitCode: EXIT.failed }
  }
  return null
}

/** gRPC: a namespace that is not there, PERMISSION_DENIED and UNAUTHENTICATED. */
function temporalFailure(error: unknown): FailureText | null {
  for (const one of withCause(error)) {
    if (!('code' in one) || !('details' in one) || typeof one.details !== 'string') continue
    const isNamespace = one.code === 5 && /^namespace /i.test(one.details)
    if (isNamespace) return { message: `TEMPORAL_NAMESPACE: ${one.details}`, exitCode: EXIT.config }
    if (one.code === 7 || one.code === 16) {
      const message = `the Temporal server refuses: ${one.details}`
      return { message, exitCode: EXIT.config }
    }
  }
  return null
}

function withCause(error: unknown): Error[] {
  if (!(error instanceof Error)) return []
  return error.cause instanceof Error ? [error, error.cause] : [error]
}

type SqlError = Error & { readonly code: string }

/** The error itself, or its cause, where it is one of the database's own. */
function withSqlState(error: unknown): SqlError | null {
  for (const one of withCause(error)) {
    if ('severity' in one && isSqlError(one)) return one
  }
  return null
}

function isSqlError(error: Error): error is SqlError {
  return 'code' in error && typeof error.code === 'string'
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
