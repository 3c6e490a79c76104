/**
 * Log lines: one JSON object `{timestamp, level, correlationId, event, data}` each, and the
 * `traceId` where work is traced; secrets and personal data redacted. Business events go through `platform/events.ts`.
 */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino'
import { BYTES_PER_MB, ROTATE_MB } from '../domain/log-rotation.ts'
import { currentCorrelation } from './correlation.ts'
import { openLogFile } from './log-file.ts'
import { redact } from './redact.ts'
import { currentTrace } from './tracing/spans.ts'

/** How much is logged. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** `json` for machines, `text` for a terminal. */
export type LogFormat = 'json' | 'text'

/** Anything that says more about the event; ids as fields. An `Error` goes under `error`. */
export type LogData = Readonly<Record<string, unknown>>

/** Writes lines: data first, then the event, a constant name in kebab case. */
export type Logger = {
  trace(data: LogData, event: string): void
  debug(data: LogData, event: string): void
  info(data: LogData, event: string): void
  warn(data: LogData, event: string): void
  error(data: LogData, event: string): void
  fatal(data: LogData, event: string): void
  /** A logger whose lines carry this correlation id and these further fields in `data`. */
  child(bindings: { readonly correlationId?: string; readonly data?: LogData }): Logger
}

/** The logger of a process, whose level may be changed; its children follow. */
export type ProcessLogger = Logger & {
  setLevel(level: LogLevel): void
  /** From which size on its file is rotated, millions of bytes; nothing without a file. */
  setRotateMb(mb: number): void
}

/** How a logger writes. */
export type LoggerOptions = {
  /** Lines below it are not written. Default `info`. */
  readonly level?: LogLevel
  /** Default `json`. */
  readonly format?: LogFormat
  /** Where lines go; standard error by default, because standard output carries results. */
  readonly destination?: DestinationStream
  /** A file instead, which may be rotated while it is written. Null and absent: none. */
  readonly file?: string | null
  /** Told of every line that is written. Must be quick, and must not throw. */
  readonly onLine?: (line: LoggedLine) => void
}

/** A line as it was written. */
export type LoggedLine = {
  /** Wall time, milliseconds since 1970. */
  readonly at: number
  readonly level: Exclude<LogLevel, 'silent'>
  readonly event: string
  /** Redacted. */
  readonly data: Readonly<Record<string, unknown>>
}

const STDERR = 2

/** A logger. Nothing is buffered: a line is written when the call returns. */
export function createLogger(options: LoggerOptions = {}): ProcessLogger {
  const rotateBytes = ROTATE_MB.fallback * BYTES_PER_MB
  const { file: path = null } = options
  const file = path === null ? null : openLogFile(path, { rotateBytes })
  const sink = options.destination ?? file ?? pino.destination({ fd: STDERR, sync: true })
  const root = pino(
    {
      // What is written is decided by `least`, which children share and pino's levels are not.
      level: 'trace',
      base: null,
      messageKey: 'event',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.format === 'text' ? textDestination(sink) : sink,
  )
  const threshold = { least: valueOf(options.level ?? 'info'), onLine: options.onLine }
  const setLevel = (level: LogLevel): void => {
    threshold.least = valueOf(level)
  }
  const setRotateMb = (mb: number): void => file?.setRotateBytes(mb * BYTES_PER_MB)
  return { ...wrap(root, {}, threshold), setLevel, setRotateMb }
}

/** Shared by a process's logger and its children. */
type Threshold = { least: number; readonly onLine: LoggerOptions['onLine'] }

function valueOf(level: LogLevel): number {
  return level === 'silent' ? Number.POSITIVE_INFINITY : (pino.levels.values[level] ?? 0)
}

/** `isBound`: it has a correlation id of its own; else its lines carry that of the work under way. */
function wrap(root: PinoLogger, fixed: LogData, threshold: Threshold, isBound = false): Logger {
  type WrittenLevel = Exclude<LogLevel, 'silent'>
  const at = (level: WrittenLevel) => {
    const value = valueOf(level)
    return (data: LogData, event: string): void => {
      if (value < threshold.least) return
      const correlationId = isBound ? null : currentCorrelation()
      const traceId = currentTrace()?.traceId
      const bound = {
        ...(correlationId === null ? {} : { correlationId }),
        ...(traceId === undefined ? {} : { traceId }),
      }
      const shown = redact({ ...fixed, ...data }) as LogData // of an object it makes an object
      root[level]({ ...bound, data: shown }, event)
      threshold.onLine?.({ at: Date.now(), level, event, data: shown })
    }
  }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    child: ({ correlationId, data }) =>
      wrap(
        correlationId === undefined ? root : root.child({ correlationId }),
        { ...fixed, ...data },
        threshold,
        isBound || correlationId !== undefined,
      ),
  }
}

type Line = {
  readonly timestamp: string
  readonly level: string
  readonly event?: string
  readonly correlationId?: string
  readonly data?: Readonly<Record<string, unknown>>
}

function textDestination(sink: DestinationStream): DestinationStream {
  return { write: (line) => sink.write(toText(JSON.parse(line) as Line)) } // pino's own output
}

function toText(line: Line): string {
  const { error, ...fields } = line.data ?? {}
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const head = [line.timestamp.slice(11, 23), line.level.toUpperCase().padEnd(5), line.event ?? '']
  const correlation = line.correlationId === undefined ? [] : [`(${line.correlationId})`]
  const text = [...head, ...shown, ...correlation].join(' ')
  return error === undefined ? `${text}\n` : `${text}\n${errorText(error)}\n`
}

function errorText(error: unknown): string {
  if (typeof error !== 'object' || error === null) return `  ${String(error)}`
  const stack = 'stack' in error && typeof error.stack === 'string' ? error.stack : undefined
  return `  ${(stack ?? JSON.stringify(error)).replaceAll('\n', '\n  ')}`
}
