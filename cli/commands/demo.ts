/** `groundstop demo seed`: writes a year of everything into a home or a database of its own. */
import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { InvalidArgumentError, type Command } from 'commander'

import { openKeyRing } from '../../adapters/secrets/key-ring-sources.ts'
import { loadConfig, type Config, type Secrets } from '../../config/config.ts'
import { createDatabase, type Database } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { parseLegPack } from '../../domain/leg-pack.ts'
import { instantFromMs, parseInstant, type Instant } from '../../domain/time.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { startEmbeddedPostgres } from '../../platform/embedded/postgres.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { DEMO } from '../demo/demo-book.ts'
import { createSeedBar } from '../demo/seed-bar.ts'
import { requireSeedable, SeedRefusedError, seedDemo } from '../demo/seed-demo.ts'
import { endOf, GREATEST_SCALE, LEAST_SCALE, planSeed } from '../demo/seed-plan.ts'
import { startSeedRail } from '../demo/seed-rail.ts'
import { readRunFile } from '../run-file.ts'
import { tellFirstAdmin } from '../start/first-admin.ts'
import { homeKeysFile } from '../start/home-keys.ts'
import { homeOf, prepareHome, type Home } from '../start/home.ts'
import { SHIPPED_FLIGHTS } from '../start/import-book.ts'
import { planStart, type StartPlan } from '../start/plan.ts'
import { StartLockedError, takeStartLock } from '../start/start-lock.ts'

type SeedFlags = { readonly scale: number; readonly seed: number; readonly year?: number }

const NO_START = { speed: null, clockStart: null, flights: [], policies: [], fresh: false } as const
const FIRST_YEAR = 1990
const LAST_YEAR = 2100

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  const demo = program.command('demo').description('books to try the product on')
  demo
    .command('seed')
    .description('write a year of policies, payouts, users, messages, runs into an empty book')
    .option('--scale <n>', `1 is 10,000 policies; ${LEAST_SCALE} to ${GREATEST_SCALE}`, scaleOf, 1)
    .option('--seed <n>', 'the same number draws the same year', seedOf, 1)
    .option('--year <yyyy>', 'a calendar year; the last 365 days when left out', yearOf)
    .addHelpText('after', HELP)
    .action((flags: SeedFlags) => seed(context, flags))
}

const HELP = `
Nothing may run meanwhile: stop the instance, seed, start again. The year goes into the home's own
PostgreSQL, or into DATABASE_URL. A database is seeded once, and only while its book is empty.
`

async function seed(context: CliContext, flags: SeedFlags): Promise<void> {
  const { config, secrets } = loadConfig(context.env)
  const home = homeOf(config.homeDir)
  if ((await readRunFile(home.folder)) !== null) {
    throw new CliError(`an instance runs in ${home.folder}: stop it while the year is written`)
  }
  const plan = planStart(NO_START, context.env, config, secrets)
  if (!plan.bindsDemoBook || !plan.runsPayments) {
    throw new CliError(
      'flight data or payments are those of a service: that is no demo. Unset AEROAPI_URL, AEROAPI_KEY, ' +
        'STRIPE_API_URL and STRIPE_API_KEY',
      EXIT.config,
    )
  }
  try {
    await using _lock = await takeStartLock(home.folder)
    await prepareHome(home)
    await seedHome(context, flags, { config, secrets, home, plan })
  } catch (error) {
    if (error instanceof SeedRefusedError || error instanceof StartLockedError) {
      throw new CliError(error.message, EXIT.failed, { cause: error })
    }
    throw error
  }
}

type Opened = {
  readonly config: Config
  readonly secrets: Secrets
  readonly home: Home
  readonly plan: StartPlan
}

async function seedHome(context: CliContext, flags: SeedFlags, opened: Opened): Promise<void> {
  const { config, secrets, home } = opened
  const onNote = (text: string): void => void context.stdout.write(`${text}\n`)
  await using stack = new AsyncDisposableStack()
  const url = secrets.databaseUrl ?? stack.use(await startDatabase(home)).url
  // One connection: what it writes does not wait for the disk, as a broken seed is begun anew anyway.
  const db = stack.use(
    createDatabase(url, { max: 1, applicationName: 'groundstop demo seed', isRelaxed: true }),
  )
  await migrate(db)
  await requireSeedable(db)
  await ensureProducts({ productStore: createProductStore(db) })
  const now = await holdClock(db, flags.year ?? null)
  const wallNow = instantFromMs(Date.now())
  const seedPlan = planned(() => planSeed({ ...flags, year: flags.year ?? null }, now, wallNow))
  await tellFirstAdmin(db, onNote)
  const rail = stack.use(await startSeedRail(home, context.env, context.signal))
  const keysFile = await homeKeysFile({ ...opened, onNote })
  const ring = await openKeyRing({ file: keysFile, text: secrets.payloadKeys })
  stack.defer(() => ring?.[Symbol.dispose]())
  const pack = parseLegPack(gunzipSync(await readFile(SHIPPED_FLIGHTS)).toString('utf8'))
  const { capacityMinor } = config.underwriting
  const logs = config.log.file === null ? home.logs : join(config.log.file, '..')
  const folders = { home: home.folder, logs, privacy: config.privacyExportsDir }
  const deps = { ...rail, db, pack, capacityMinor, ring, folders }
  const onProgress = createSeedBar(context.stderr)
  await seedDemo(deps, seedPlan, { signal: context.signal, onProgress })
  const { flownLegs, comingLegs } = seedPlan.counts
  onNote(`seeded ${flownLegs + comingLegs} legs from ${seedPlan.from} to ${seedPlan.until}`)
}

async function startDatabase(home: Home): Promise<{ url: string } & AsyncDisposable> {
  const port = { port: 0, isExplicit: false }
  return startEmbeddedPostgres({ folder: home.postgres, port, isDurable: true })
}

/** A clock that was never set is set: to the end of the year that is asked for, or where the demo begins. */
async function holdClock(db: Database, year: number | null): Promise<Instant> {
  const store = createClockStore(db)
  const reading = await store.hold()
  if (reading !== null) return reading.now
  await store.set({
    now: year === null ? parseInstant(DEMO.clockStart) : endOf(year),
    speed: DEMO.speed,
  })
  return (await store.hold())?.now ?? parseInstant(DEMO.clockStart)
}

function planned<T>(plan: () => T): T {
  try {
    return plan()
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(error.message, EXIT.usage, { cause: error })
    throw error
  }
}

function scaleOf(text: string): number {
  const scale = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || scale < LEAST_SCALE || scale > GREATEST_SCALE) {
    throw new InvalidArgumentError(`It must be a number from ${LEAST_SCALE} to ${GREATEST_SCALE}.`)
  }
  return scale
}

function seedOf(text: string): number {
  const value = Number(text)
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

function yearOf(text: string): number {
  const year = Number(text)
  if (!/^\d{4}$/.test(text) || year < FIRST_YEAR || year > LAST_YEAR) {
    throw new InvalidArgumentError(`It must be a year from ${FIRST_YEAR} to ${LAST_YEAR}.`)
  }
  return year
}
