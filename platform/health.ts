/** Readiness: named checks, each within a time limit, answered together. */

/** A check that is slower than this counts as failed. */
const CHECK_TIMEOUT_MS = 2_000

/** Resolves when the part works; rejects, or takes too long, when it does not. */
export type HealthCheck = (signal: AbortSignal) => Promise<unknown>

/** What a readiness probe is told. */
export type Health = {
  readonly status: 'ready' | 'unavailable'
  /** `ok`, or `failed`: no reason is shown to callers that did not say who they are. */
  readonly checks: Readonly<Record<string, 'ok' | 'failed'>>
}

/** Runs all checks at the same time. Never rejects; `onFailed` hears the reasons. */
export async function checkHealth(
  checks: Readonly<Record<string, HealthCheck>>,
  options: {
    readonly timeoutMs?: number
    readonly onFailed?: (name: string, error: unknown) => void
  } = {},
): Promise<Health> {
  const timeoutMs = options.timeoutMs ?? CHECK_TIMEOUT_MS
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await withTimeout(name, check, timeoutMs)
        return [name, 'ok'] as const
      } catch (error) {
        options.onFailed?.(name, error)
        return [name, 'failed'] as const
      }
    }),
  )
  const failed = results.some(([, result]) => result === 'failed')
  return { status: failed ? 'unavailable' : 'ready', checks: Object.fromEntries(results) }
}

async function withTimeout(name: string, check: HealthCheck, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  const expired = new Promise<never>((_resolve, reject) => {
    signal.addEventListener(
      'abort',
      () => reject(new Error(`${name} did not answer within ${timeoutMs} ms`)),
      { once: true },
    )
  })
  // The check goes first: one that answers at once wins over a limit that is already past.
  await Promise.race([check(signal), expired])
}
