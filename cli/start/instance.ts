/**
 * One running instance from start to stop: servers, schema, clock, parts, book, schedules. Stops
 * everything in the reverse order, whatever happens.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '@temporalio/client'

import { openKeyRing } from '../../adapters/secrets/key-ring-sources.ts'
import { openKeyWrapping } from '../../adapters/secrets/key-wrapping.ts'
import type { Config, Secrets } from '../../config/config.ts'
import type { Database } from '../../db/client.ts'
import { createDatabase } from '../../db/client.ts'
import { migrate } from '../../db/migrate.ts'
import type { ClockStore } from '../../db/stores/clock-store.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createOverviewStore } from '../../db/stores/overview-store.ts'
import { createProductStore } from '../../db/stores/product-store.ts'
import { parseInstant } from '../../domain/time.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { connectClient } from '../../platform/temporal/connection.ts'
import { schedulerTermsOf } from '../../platform/scheduler-terms.ts'
import { applySchedules } from '../../platform/temporal/schedules-apply.ts'
import { ensureSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { DEMO } from '../demo/demo-book.ts'
import type { RunFile } from '../run-file.ts'
import { removeRunFile, runningEnvironment, writeRunFile } from '../run-file.ts'
import { readFigures } from '../screen/figures.ts'
import type { Screen } from '../screen/screen.ts'
import { chooseAddresses, chooseApiUrl } from './addresses.ts'
import { tellFirstAdmin } from './first-admin.ts'
import { startClockServer } from './clock-server.ts'
import { beforeFirstDeparture } from './first-departure.ts'
import { startHeartbeat } from './heartbeat.ts'
import type { Home } from './home.ts'
import { homeKeysFile } from './home-keys.ts'
import { importBook, SHIPPED_FLIGHTS, writeDemoBook } from './import-book.ts'
import type { Parts } from './parts.ts'
import { startParts } from './parts.ts'
import type { StartOptions, StartPlan } from './plan.ts'
import type { Servers } from './servers.ts'
import { startServers } from './servers.ts'

const REFRESH_MS = 1_000
// The figures count the whole book: on a large one they are read less often, not all the time.
const REFRESH_SHARE = 10

export type InstanceRequest = {
  readonly options: StartOptions
  readonly plan: StartPlan
  readonly config: Config
  readonly secrets: Secrets
  readonly home: Home
  readonly env: NodeJS.ProcessEnv
  readonly screen: Screen
  /** Aborted: stop in order. */
  readonly signal: AbortSignal
  /** Aborted: stop at once. */
  readonly forced: AbortSignal
}

type Running = {
  readonly db: Database
  readonly clockStore: ClockStore
  readonly client: Client
  readonly servers: Servers
  readonly parts: Parts
  readonly run: RunFile
}

/**
 * Runs until the signal aborts, then stops in order and returns. Throws when something could not be
 * started or ended by itself, after everything else was stopped.
 */
export async function runInstance(request: InstanceRequest): Promise<void> {
  const startedAtMs = performance.now()
  await using stack = new AsyncDisposableStack()
  const running = await boot(request, stack)
  const { screen, signal } = request
  if (running === null) return
  await Promise.race([
    watch(request, running, startedAtMs),
    running.servers.ended,
    running.parts.failed,
  ])
  screen.close()
  if (signal.aborted) screen.note('stopping: worker, API, providers, Temporal, PostgreSQL ...')
}

/** Null when it was stopped in the middle. */
async function boot(
  request: InstanceRequest,
  stack: AsyncDisposableStack,
): Promise<Running | null> {
  try {
    return await bootAll(request, stack)
  } catch (error) {
    if (request.signal.aborted) return null
    throw error
  }
}

async function bootAll(request: InstanceRequest, stack: AsyncDisposableStack): Promise<Running> {
  const { config, secrets, home, env, screen, signal, forced } = request
  const onNote = (text: string): void => screen.note(text)
  const isPortExplicit = (variable: string): boolean => (env[variable]?.trim() ?? '') !== ''
  const payloadKeysFile = await homeKeysFile({ ...request, onNote })
  const apiUrl = await chooseApiUrl({ config, isPortExplicit, onNote })
  const servers = await startServers({ ...request, apiUrl, isPortExplicit, onNote })
  stack.defer(() => servers.stop())
  forced.addEventListener('abort', () => servers.kill())
  signal.throwIfAborted()

  const db = createDatabase(servers.databaseUrl, { max: 4, applicationName: 'groundstop start' })
  stack.defer(() => db.destroy())
  const [{ client }] = await Promise.all([
    connectTo(request, { servers, payloadKeysFile }, stack),
    migrate(db).then(() => ensureProducts({ productStore: createProductStore(db) })),
  ])
  signal.throwIfAborted()
  const clockStore = createClockStore(db)
  await holdClock(request, clockStore)

  const run = await chooseAddresses({
    ...request,
    config,
    secrets,
    servers,
    payloadKeysFile,
    apiUrl,
    isPortExplicit,
    onNote,
  })
  await writeRunFile(home.folder, run)
  stack.defer(() => removeRunFile(home.folder))
  const flights = request.options.flights.length > 0 ? request.options.flights : [SHIPPED_FLIGHTS]
  const clockServer = stack.use(await startClockServer(clockStore))
  const parts = await startParts({ ...request, run, flights, clockUrl: clockServer.url, onNote })
  stack.defer(() => parts.stop())
  // First to go: virtual time stands still while the others stop.
  stack.defer(() => clockStore.freeze())
  forced.addEventListener('abort', () => parts.kill())
  screen.showAddresses(run)
  const running = { db, clockStore, client, servers, parts, run }
  // The worker takes longest to come up; the book needs only the others.
  const ready = Promise.all([
    parts.untilWorking(signal),
    parts.untilServing(signal).then(() => importBooks(request, running)),
    tellFirstAdmin(db, onNote),
  ])
  await Promise.race([ready, parts.failed, servers.ended])
  await releaseClock(request, running)
  const heartbeat = startHeartbeat(clockStore, onNote)
  stack.defer(() => heartbeat.stop())
  return running
}

async function connectTo(
  request: InstanceRequest,
  { servers, payloadKeysFile }: { servers: Servers; payloadKeysFile: string | null },
  stack: AsyncDisposableStack,
): Promise<{ client: Client }> {
  const address = {
    address: servers.temporalAddress,
    namespace: request.config.temporal.namespace,
  }
  const keys = await openKeyRing({
    file: payloadKeysFile,
    text: request.secrets.payloadKeys,
    wrapping: await openKeyWrapping(request.config.payloads.kmsKey),
  })
  const owned = await connectClient(address, { env: request.env, keys })
  stack.use(owned)
  await ensureSearchAttributes(owned.client)
  return owned
}

/** Virtual time does not run while the parts come up: it goes on where it stood. */
async function holdClock(
  { plan, options }: InstanceRequest,
  clockStore: ClockStore,
): Promise<void> {
  const { clock } = plan
  const reading = await clockStore.hold()
  if (clock === null) return
  if (reading !== null) {
    if (clock.isStartExplicit && clock.start !== null) await clockStore.set({ now: clock.start })
    return
  }
  const now =
    clock.start ?? (await beforeFirstDeparture(options.policies)) ?? parseInstant(DEMO.clockStart)
  await clockStore.set({ now, speed: clock.speed })
  // Goes back to what was just set and remembers its speed.
  await clockStore.hold()
}

/** Who starts the product here wants what it does; only an explicit no is one. */
function startedConfig(config: Config): Pick<Config, 'jobTerms' | 'scheduler'> {
  const { jobTerms, scheduler } = config
  return { jobTerms, scheduler: { ...scheduler, isEnabled: scheduler.isEnabled ?? true } }
}

async function releaseClock(request: InstanceRequest, running: Running): Promise<void> {
  const { plan, config, screen } = request
  const { clockStore, client } = running
  const speed = plan.clock?.isSpeedExplicit === true ? plan.clock.speed : undefined
  const reading = await clockStore.release(speed)
  // Without a clock's row time is wall time, and schedules are as declared.
  const scale = { speed: reading?.speed ?? 0, terms: schedulerTermsOf(startedConfig(config)) }
  await applySchedules({ client }, scale)
  screen.note('schedules are applied')
}

async function importBooks(request: InstanceRequest, running: Running): Promise<void> {
  const { options, plan, home, env, screen, signal } = request
  const childEnv = { ...env, ...runningEnvironment(running.run), GROUNDSTOP_HOME: home.folder }
  const take = async (what: 'policies' | 'contacts', file: string): Promise<void> => {
    screen.note(`importing ${file}`)
    screen.note(await importBook(what, file, childEnv, signal))
  }
  if (plan.bindsDemoBook && !(await createOverviewStore(running.db).hasPolicies())) {
    const { demoPolicies: policies, demoContacts: contacts } = home
    await writeDemoBook({ policies, contacts })
    // Side by side: nothing happens to a policy, and nobody is told, before the clock goes on.
    await Promise.all([take('contacts', contacts), take('policies', policies)])
  }
  for (const file of options.policies) await take('policies', file)
}

/** Shows the figures until the signal aborts. */
async function watch(
  { screen, signal }: InstanceRequest,
  { db, clockStore, client }: Running,
  startedAtMs: number,
): Promise<void> {
  const overviewStore = createOverviewStore(db)
  const bootedAt = new Date().toISOString()
  let isFirstTickTold = false
  while (!signal.aborted) {
    const from = performance.now()
    const figures = await readFigures({ clockStore, overviewStore, client })
    screen.showFigures(figures)
    if (!isFirstTickTold && figures.lastTick !== null && figures.lastTick.closedAt > bootedAt) {
      isFirstTickTold = true
      const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1)
      screen.note(`first tick done ${seconds} s after the start`)
    }
    const pauseMs = Math.max(REFRESH_MS, (performance.now() - from) * REFRESH_SHARE)
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined) // aborted: the loop ends
  }
}
