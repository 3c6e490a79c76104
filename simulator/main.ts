/**
 * The local providers as processes: `node simulator/main.ts flights|payments|mail [options]`. Prints one
 * line `{"listening": URL}` when ready; stops on SIGTERM and SIGINT.
 */
import { readFile } from 'node:fs/promises'
import { createHttpClockSource } from '../platform/clock/http-clock-source.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { coalesceReads } from './coalesced-clock.ts'
import { FaultFileError, type FaultPlan } from './faults.ts'
import { createFlightFaults } from './flights/flight-faults.ts'
import { createFlightIndex } from './flights/flight-index.ts'
import { startFlightServer } from './flights/flight-server.ts'
import { readLegPacks } from './flights/read-leg-packs.ts'
import type { RunningServer } from './http-server.ts'
import { startMailServer } from './mail/mail-server.ts'
import {
  parseFlightsOptions,
  parseMailOptions,
  parsePaymentsOptions,
  SimulatorUsageError,
  type FlightsSimulatorOptions,
  type MailSimulatorOptions,
  type PaymentsSimulatorOptions,
} from './options.ts'
import { createBook } from './payments/book.ts'
import { createMemoryLog, openMoneyLog, readMoneyLog } from './payments/money-log.ts'
import { createPaymentFaults } from './payments/payment-faults.ts'
import { startPaymentServer } from './payments/payment-server.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

/** Serves flights until the signal aborts. Rejects when a file or the address is not usable. */
export async function runFlightsSimulator(
  options: FlightsSimulatorOptions,
  signal: AbortSignal,
): Promise<void> {
  const faults = createFlightFaults(options.seed)
  await loadFaults(faults, options.faults)
  const index = createFlightIndex(await readLegPacks(options.flights))
  const clock = createClock(options.clockUrl)
  await using server = await startFlightServer(
    { index, clock, faults, seed: options.seed },
    options,
  )
  await announceAndWait(server, signal)
}

/** Serves transfers until the signal aborts. Rejects when the log or the address is not usable. */
export async function runPaymentsSimulator(
  options: PaymentsSimulatorOptions,
  signal: AbortSignal,
): Promise<void> {
  const faults = createPaymentFaults(options.seed)
  await loadFaults(faults, options.faults)
  const book = createBook(options.log === null ? [] : await readMoneyLog(options.log))
  await using log = options.log === null ? createMemoryLog() : await openMoneyLog(options.log)
  const clock = createClock(options.clockUrl)
  await using server = await startPaymentServer({ book, log, clock, faults }, options)
  await announceAndWait(server, signal)
}

/** Takes mail until the signal aborts. Rejects when an address is not usable. */
export async function runMailSimulator(
  options: MailSimulatorOptions,
  signal: AbortSignal,
): Promise<void> {
  await using server = await startMailServer(options)
  await announceAndWait(server, signal, { smtp: server.smtpUrl })
}

function createClock(url: string | null): Clock {
  if (url === null) return createSystemClock()
  return coalesceReads(createVirtualClock(createHttpClockSource(url)))
}

/** Sets the switches from JSON text, or from a file when the text does not begin with a brace. */
async function loadFaults<Name extends string>(
  plan: FaultPlan<Name>,
  source: string | null,
): Promise<void> {
  if (source === null) return
  const text = source.trimStart().startsWith('{') ? source : await readFile(source, 'utf8')
  plan.set(JSON.parse(text))
}

async function announceAndWait(
  server: RunningServer,
  signal: AbortSignal,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  process.stdout.write(`${JSON.stringify({ listening: server.url, ...more })}\n`)
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function main(args: readonly string[]): Promise<void> {
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())
  // The command that started us holds a channel; its end means that it was killed.
  if (process.channel !== undefined) {
    process.once('disconnect', () => stop.abort())
    process.channel.unref()
  }
  const [kind, ...rest] = args
  try {
    if (kind === 'flights') await runFlightsSimulator(parseFlightsOptions(rest), stop.signal)
    else if (kind === 'payments')
      await runPaymentsSimulator(parsePaymentsOptions(rest), stop.signal)
    else if (kind === 'mail') await runMailSimulator(parseMailOptions(rest), stop.signal)
    else throw new SimulatorUsageError('usage: simulator flights|payments|mail [options]')
  } catch (error) {
    const isUsage = error instanceof SimulatorUsageError || error instanceof FaultFileError
    process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED
  }
}

if (import.meta.main) await main(process.argv.slice(2))
