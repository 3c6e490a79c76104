/** `groundstop clock`: shows and drives virtual time by hand. */
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'

import type { Database } from '../../db/client.ts'
import { createAuditLog } from '../../db/stores/audit-log.ts'
import type { ClockStore } from '../../db/stores/clock-store.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createOverviewStore } from '../../db/stores/overview-store.ts'
import type { ClockReading } from '../../domain/ports/clock.ts'
import type { Instant } from '../../domain/time.ts'
import { instantFromMs, MINUTE_MS, parseInstant } from '../../domain/time.ts'
import { schedulerTermsOf } from '../../platform/scheduler-terms.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { CliError } from '../cli-error.ts'
import { createRunAsker } from '../clock/held-payouts.ts'
import type { StepOutcome } from '../clock/step-clock.ts'
import { stepClock } from '../clock/step-clock.ts'
import { createTicker } from '../clock/ticker.ts'
import type { CliContext } from '../context.ts'
import { loginActor } from '../note-options.ts'
import { openDatabase } from '../instance-access.ts'
import { connectTemporal } from '../temporal-access.ts'

// A tick looks every two minutes, and most legs are due in clusters: ten minutes lose no precision
// that a policy could notice, and save most of the steps.
const DEFAULT_MIN_STEP_MS = 10 * MINUTE_MS

type StepFlags = { readonly to?: Instant; readonly until?: Instant; readonly min: number }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const clock = program.command('clock').description('show and drive virtual time')
  clock
    .command('show')
    .description('print virtual time and speed')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => show(json, context))
  clock
    .command('set')
    .description('set virtual time, its speed, or both')
    .argument('[instant]', 'as --now', instantOf)
    .option('--now <instant>', 'virtual time, as 2013-02-08T12:00:00Z', instantOf)
    .option('--speed <n>', 'virtual seconds per second, 0 stops the clock', speedOf)
    .action(async (instant: Instant | undefined, flags: { now?: Instant; speed?: number }) =>
      set({ now: flags.now ?? instant, speed: flags.speed }, context),
    )
  clock
    .command('step')
    .description('stop the clock, move it to the next due moment and wait for the work due there')
    .option('--to <instant>', 'move it there instead', instantOf)
    .option('--min <duration>', 'at least this far, as 10m', durationOf, DEFAULT_MIN_STEP_MS)
    .action(async (flags: StepFlags) => step(flags, context))
  clock
    .command('run')
    .description('step until a moment, or until nothing is due any more')
    .option('--until <instant>', 'stop there', instantOf)
    .option(
      '--min <duration>',
      'each step at least this far, as 10m',
      durationOf,
      DEFAULT_MIN_STEP_MS,
    )
    .action(async (flags: StepFlags) => run(flags, context))
}

async function show(isJson: boolean, context: CliContext): Promise<void> {
  await using database = await openDatabase(context)
  const reading = await createClockStore(database.db).read()
  if (isJson) context.stdout.write(`${JSON.stringify(reading)}\n`)
  else context.stdout.write(`${readingText(reading)}\n`)
}

async function set(
  change: { readonly now?: Instant | undefined; readonly speed?: number | undefined },
  context: CliContext,
): Promise<void> {
  const { now, speed } = change
  if (now === undefined && speed === undefined) {
    throw new CliError('say what to set: --now INSTANT, --speed N, or both')
  }
  await using database = await openDatabase(context)
  const { config, db } = database
  const { before, reading } = await db.transaction().execute(async (trx) => {
    const inside: Database = trx
    const store = createClockStore(inside)
    const earlier = await store.read()
    const after = await store.set({
      ...(now === undefined ? {} : { now }),
      ...(speed === undefined ? {} : { speed }),
    })
    await noteMove(inside, 'clock.set', { before: earlier, after })
    return { before: earlier, reading: after }
  })
  context.stdout.write(`${readingText(reading)}\n`)
  if (before?.speed === reading.speed) return
  // Schedules fire on wall time, scaled by the clock's speed.
  await using temporal = await connectTemporal(context, config)
  const scale = { speed: reading.speed, terms: schedulerTermsOf(config) }
  await applySchedules({ client: temporal.client }, scale)
}

async function step(flags: StepFlags, context: CliContext): Promise<void> {
  await using stepper = await openStepper(context, 'clock.step', { to: flags.to ?? null })
  const outcome = await stepper.step({ minMs: flags.min, ...(flags.to && { to: flags.to }) })
  context.stdout.write(`${outcomeText(outcome)}\n`)
}

async function run(flags: StepFlags, context: CliContext): Promise<void> {
  const { until } = flags
  await using stepper = await openStepper(context, 'clock.run', { until: until ?? null })
  for (;;) {
    context.signal.throwIfAborted()
    const outcome = await stepper.step({ minMs: flags.min, ...(until && { notAfter: until }) })
    context.stdout.write(`${outcomeText(outcome)}\n`)
    if (outcome.kind === 'idle' || (until !== undefined && outcome.now >= until)) return
  }
}

/** Who moves the time changes what becomes due. */
async function noteMove(db: Database, action: string, details: Record<string, unknown>) {
  const at = (await createClockStore(db).read())?.now ?? instantFromMs(Date.now())
  await createAuditLog(db).record({ at, actor: loginActor(), action, subject: 'clock', details })
}

type Stepper = AsyncDisposable & {
  step(request: { minMs: number; to?: Instant; notAfter?: Instant }): Promise<StepOutcome>
}

async function openStepper(
  context: CliContext,
  action: string,
  wanted: Record<string, unknown>,
): Promise<Stepper> {
  const stack = new AsyncDisposableStack()
  const { config, db } = stack.use(await openDatabase(context))
  const { client } = stack.use(await connectTemporal(context, config))
  const clockStore = createClockStore(db)
  await noteMove(db, action, { before: await clockStore.read(), ...wanted })
  await stopClock(clockStore)
  await applySchedules({ client }, { speed: 0, terms: schedulerTermsOf(config) })
  const deps = {
    clockStore,
    overviewStore: createOverviewStore(db),
    runTick: createTicker({ client, terms: config.jobTerms }),
    askRuns: createRunAsker({ client }),
  }
  return {
    step: (request) => stepClock(deps, request, context.signal),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function stopClock(store: ClockStore): Promise<void> {
  const reading = await store.read()
  if (reading === null) {
    throw new CliError(
      'this instance runs on wall time: `groundstop clock set --now INSTANT --speed 0` changes that',
    )
  }
  if (reading.speed !== 0) await store.set({ speed: 0 })
}

function readingText(reading: ClockReading | null): string {
  if (reading === null) return 'wall time: no virtual clock is set'
  return `${reading.now} ${reading.speed === 0 ? 'stopped' : `x${reading.speed}`}`
}

function outcomeText(outcome: StepOutcome): string {
  if (outcome.kind === 'idle') return `${outcome.now} nothing is due any more`
  const parts = [
    `${outcome.ticks} ${outcome.ticks === 1 ? 'tick' : 'ticks'}`,
    `${outcome.polled} legs asked`,
    `${outcome.policiesPaid} pay`,
    `${outcome.policiesNotPaid} do not`,
    `${outcome.payoutsCreated} payouts`,
  ]
  const open = outcome.payoutsOpen === 0 ? '' : `, ${outcome.payoutsOpen} payouts still open`
  const due = outcome.legsDue === 0 ? '' : `, ${outcome.legsDue} legs still due`
  return `${outcome.now} ${parts.join(', ')}${open}${due}`
}

function instantOf(text: string): Instant {
  try {
    return parseInstant(text)
  } catch {
    throw new InvalidArgumentError('It must be an instant with an offset: 2013-02-08T12:00:00Z.')
  }
}

function speedOf(text: string): number {
  const speed = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || speed > 100_000) {
    throw new InvalidArgumentError('It must be a number from 0 to 100000.')
  }
  return speed
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: MINUTE_MS, h: 60 * MINUTE_MS }

function durationOf(text: string): number {
  const match = /^(\d{1,6})([smh])$/.exec(text)
  const unit = UNITS[match?.[2] ?? '']
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError('It must be a number with s, m or h: 10m.')
  }
  return Number(match[1]) * unit
}
