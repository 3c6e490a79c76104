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
 * (a terminal sends Ctrl-C to parent and child, npm forwards it once more), calls `force`.
 */
export function createShutdown(
  options: {
    readonly source?: SignalSource
    /** Called with the exit code when somebody insists. Default: end the process at once. */
    readonly force?: (exitCode: number) => void
    readonly nowMs?: () => number
  } = {},
): Shutdown {
  const source = options.source ?? process
  const nowMs = options.nowMs ?? (() => performance.now())
  // oxlint-disable-next-line unicorn/no-process-exit -- who signals twice does not want to wait
  const force = options.force ?? ((exitCode: number) => process.exit(exitCode))
  const controller = new AbortController()
  let firstAtMs: number | null = null
  const onSignal = (signal: StopSignal): void => {
    if (firstAtMs === null) {
      firstAtMs = nowMs()
      controller.abort(signal)
    } else if (nowMs() - firstAtMs >= ECHO_MS) {
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

/** Signals that arrive together are one wish. */
const ECHO_MS = 500

/** Resolves when the signal is aborted; at once when it already is. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
