/**
 * The place in a trace that work hangs on to, as runs hand it on: W3C trace context, with a third answer
 * to whether it is recorded. Runs that a schedule starts begin their own trace, and nobody has asked yet.
 */

/** The header of runs and steps that it travels in. */
export const TRACE_HEADER = 'groundstop-trace'

/** A span that others are parts of. */
export type TraceRef = {
  /** 32 hexadecimal digits. */
  readonly traceId: string
  /** 16 hexadecimal digits. */
  readonly spanId: string
  /** Null: whoever makes the next span decides, by the trace's id, as everyone else will. */
  readonly isSampled: boolean | null
}

/** How a run ended. */
export type RunOutcome = 'completed' | 'failed' | 'cancelled' | 'continued'

/** A run that has ended, as its span tells it. Times by the server, milliseconds since 1970. */
export type EndedRun = {
  readonly span: TraceRef
  readonly parent: TraceRef | null
  readonly startMs: number
  readonly endMs: number
  readonly outcome: RunOutcome
}

/** Where runs tell their spans, outside of their sandbox. */
export type TraceSinks = { readonly traces: { runEnded(run: EndedRun): void } }

const TEXT = /^([0-9a-f]{32})-([0-9a-f]{16})-(01|00|xx)$/

/** As text. */
export function traceText({ traceId, spanId, isSampled }: TraceRef): string {
  const flags = isSampled === null ? 'xx' : isSampled ? '01' : '00'
  return `${traceId}-${spanId}-${flags}`
}

/** From text; null when it is none. */
export function parseTraceText(text: unknown): TraceRef | null {
  const [, traceId, spanId, flags] = (typeof text === 'string' ? TEXT.exec(text) : null) ?? []
  if (traceId === undefined || spanId === undefined) return null
  return { traceId, spanId, isSampled: flags === 'xx' ? null : flags === '01' }
}

/** The span of a run, the same wherever it is worked on: `runId` is a UUID. */
export function runSpan(runId: string, parent: TraceRef | null): TraceRef {
  const digits = runId.replaceAll('-', '')
  return {
    traceId: parent?.traceId ?? digits,
    // Its second half is random in every version of UUIDs.
    spanId: digits.slice(-16),
    isSampled: parent?.isSampled ?? null,
  }
}
