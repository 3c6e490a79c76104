/** Stopping: the first signal asks, the second forces. The only place that handles signals. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type StopSignal = (typeof SIGNALS)[number]

/** Exit codes that shells give to a process that a signal ended. */
const FORCED_EXIT: Readonly<Record<StopSignal, number>> = {
  SIGINT: 130,
  SIGTERM: 143,
  // The terminal was closed.
  SIGHUP: 129,
}

/** The part of `process` that stopping needs. */
export type SignalSource = {
  on(signal: StopSignal, listener: (signal: StopSignal) => void): unknown
  off(signal: StopSignal, listener: (signal: StopSignal) => void): unknown
}

/** The wish of the system or of a person that the process ends. */
export type Shutdown = Disposable & {
  /** Aborted at the first signal; its reason is the signal's name. */
  readonly signal: AbortSignal
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP until disposed. A second signal, at least 500 ms after the first
 * (a terminal sends Ctrl-C to parent and child, npm forwards it once more), says so and calls `force`.
 */
export function createShutdown(
  options: {
    readonly source?: SignalSource
    /** Called with the exit code when somebody insists. Default: end the process at once. */
    readonly force?: (exitCode: number) => void
    /** Told in one line that the process is being forced. Default: standard error. */
    readonly tell?: (line: string) => void
    readonly nowMs?: () => number
  } = {},
): Shutdown {
  const source = options.source ?? process
  const nowMs = options.nowMs ?? (() => performance.now())
  // oxlint-disable-next-line unicorn/no-process-exit -- who signals twice does not want to wait
  const force = options.force ?? ((exitCode: number) => process.exit(exitCode))
  // A write to standard error is done when the call returns, also to a pipe.
  const tell = options.tell ?? ((line: string) => void process.stderr.write(line))
  const controller = new AbortController()
  let firstAtMs: number | null = null
  const onSignal = (signal: StopSignal): void => {
    if (firstAtMs === null) {
      firstAtMs = nowMs()
      controller.abort(signal)
    } else if (nowMs() - firstAtMs >= ECHO_MS) {
      tell(`groundstop: stopped at once by a second signal, ${signal}; ${LEFT_UNDONE}\n`)
      force(FORCED_EXIT[signal])
    }
  }
  for (const signal of SIGNALS) source.on(signal, onSignal)
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of SIGNALS) source.off(signal, onSignal)
    },
  }
}

/** Nothing is lost by it: Temporal hears no more of a step and gives it to another worker. */
const LEFT_UNDONE = 'what was at work is begun again by whoever is left'

/** Signals that arrive together are one wish. */
const ECHO_MS = 500

/** Resolves when the signal is aborted; at once when it already is. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
