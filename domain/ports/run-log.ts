/** Log lines of runs: kept by workers, read by people. Not part of what can be made anew from the server. */
import type { Instant } from '../time.ts'
import type { Page, PageRequest } from './page.ts'

/** Levels of lines, the least first. */
export const LINE_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LineLevel = (typeof LINE_LEVELS)[number]

/** The first so many lines of a run are kept: some hundred kilobytes, and what went wrong is among them. */
export const RUN_LINES_AT_MOST = 1_000

/** One line of a run, redacted as the log is. */
export type RunLine = {
  readonly workflowId: string
  /** Of the attempt that wrote it. */
  readonly runId: string
  readonly at: Instant
  readonly level: LineLevel
  readonly event: string
  /** A JSON object. */
  readonly data: unknown
}

/** A line with what makes it this one: the process that wrote it, a UUID, and its count there. */
export type WrittenLine = Omit<RunLine, 'data'> & {
  readonly writer: string
  readonly n: number
  /** As JSON text that PostgreSQL takes. */
  readonly data: string
}

/** Which lines; what is left out does not matter. */
export type RunLineFilter = {
  readonly workflowId: string
  readonly runId?: string | undefined
  /** This level and worse ones. */
  readonly level?: LineLevel | undefined
  /** At or after. */
  readonly since?: Instant | undefined
}

/** The lines. */
export interface RunLogStore {
  /** Keeps lines in one statement; those beyond a run's limit and those that are kept already are left out. */
  append(lines: readonly WrittenLine[]): Promise<void>
  /** In the order of their time. Throws PageCursorError. */
  list(filter: RunLineFilter, page: PageRequest): Promise<Page<RunLine>>
}
