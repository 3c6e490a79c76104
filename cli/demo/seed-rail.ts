/**
 * The local payment rail for a seed: the same process that `start` runs, over the same log of money, so that
 * a reconciliation afterwards finds every transfer. Its time is the seed's.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { createStripeEvents } from '../../adapters/payments/stripe-events.ts'
import { createStripePayments } from '../../adapters/payments/stripe.ts'
import type { PaymentEventSource } from '../../domain/ports/payment-events.ts'
import type { PaymentProvider } from '../../domain/ports/payment-provider.ts'
import type { Instant } from '../../domain/time.ts'
import { parseInstant } from '../../domain/time.ts'
import { freePort, isListening, LOOPBACK } from '../../platform/embedded/ports.ts'
import { startPart } from '../start/child-process.ts'
import { startClockServer } from '../start/clock-server.ts'
import type { Home } from '../start/home.ts'
import type { SeedClock } from './seed-book.ts'

/** One payout in fifty comes back, a day after it arrived. */
export const SEED_RAIL_FAULTS: string = JSON.stringify({
  faults: { returned: { rate: 0.02, afterMinutes: 1_440 } },
})

/** The rail, its news, and the clock that both the seed and the rail go by. */
export type SeedRail = AsyncDisposable & {
  readonly clock: SeedClock
  readonly payments: PaymentProvider
  readonly eventSource: PaymentEventSource
}

const READY_TRIES = 200
const READY_POLL_MS = 100
const STOP_MS = 2_000

/** Starts it. Stop it by disposing: the money log is whole then. */
export async function startSeedRail(
  home: Home,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<SeedRail> {
  await using stack = new AsyncDisposableStack()
  let shown: Instant = parseInstant('2000-01-01T00:00:00Z')
  const read = () => Promise.resolve({ now: shown, speed: 0 })
  const clockServer = stack.use(await startClockServer({ read }))
  const port = await freePort()
  const part = await startPart({
    name: 'payments',
    args: [
      ...['simulator', 'payments', '--port', String(port), '--clock', clockServer.url],
      ...['--log', home.paymentsLog, '--faults', SEED_RAIL_FAULTS],
    ],
    env,
    logFile: join(home.logs, 'payments.log'),
    onNote: () => undefined,
  })
  stack.defer(() => part.stop(STOP_MS))
  await Promise.race([untilListening(port, signal), part.failed])
  const options = { apiKey: 'sk_test_seed', baseUrl: `http://${LOOPBACK}:${port}` }
  const payments = stack.use(createStripePayments(options))
  const eventSource = stack.use(createStripeEvents(options))
  const owned = stack.move()
  return {
    clock: {
      now: () => Promise.resolve(shown),
      set: async (to) => {
        shown = to
      },
    },
    payments,
    eventSource,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function untilListening(port: number, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < READY_TRIES; tries += 1) {
    if (await isListening(port)) return
    await sleep(READY_POLL_MS, undefined, { signal })
  }
  throw new Error('the local payment server does not answer')
}
