/**
 * One tick of the main job over a large book, and a storm of payouts, through the real workflow,
 * Temporal server, database, worker process and local providers.
 * `npm run bench:tick -- --policies 1000000`
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Client } from '@temporalio/client'
import { sql } from 'kysely'

import type { Database } from '../db/client.ts'
import { createLedgerStore } from '../db/stores/ledger-store.ts'
import { formatLegPack } from '../domain/leg-pack.ts'
import { instantFromMs, HOUR_MS } from '../domain/time.ts'
import type { FlightMonitorResult } from '../jobs/flight-monitor.ts'
import { verifyBooks } from '../operations/verify-books.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import { connectClient } from '../platform/temporal/connection.ts'
import { startJob } from '../platform/temporal/job-starter.ts'
import { readMoneyLog } from '../simulator/payments/money-log.ts'
import { bindFirstPolicies, makeDue, multiplyPolicies } from './book.ts'
import { startInstallation, type Installation } from './installation.ts'
import { FIRST_LOOK_AT_MS, layLegs, TICK_AT_MS, type BenchLegs } from './leg-window.ts'

const LEGS = 10_000
const LEGS_DUE = 1_000
/** About one poll in twelve decides its leg. */
const LEGS_DECIDING = 100
const PAYOUTS = 10_000

/** From the issue of the first version: what must hold on two cores. */
const BOUND_S = 10
const BOUND_RSS_MB = 512

/** Before every leg of the window. */
const BOUND_AT = instantFromMs(TICK_AT_MS - 30 * HOUR_MS)

type Measured = {
  readonly seconds: number
  readonly queries: number
  readonly historyEvents: number
  readonly workflows: number
  /** From the trigger to the end of the monitor's own run, before the last payout settled. */
  readonly tickSeconds: number
  readonly workerPeakRssMb: number
  /** Processor seconds by process. */
  readonly cpu: Readonly<Record<string, number>>
  readonly result: FlightMonitorResult
}

const { values } = parseArgs({
  options: {
    policies: { type: 'string', default: '100000' },
    /** Another number of payouts in the storm. */
    payouts: { type: 'string', default: String(PAYOUTS) },
    json: { type: 'string' },
  },
})

async function main(policies: number, payouts: number): Promise<void> {
  const policiesPerLeg = policies / LEGS
  const lateLegs = payouts / policiesPerLeg
  if (!Number.isInteger(policiesPerLeg) || !Number.isInteger(lateLegs) || lateLegs > LEGS_DUE) {
    throw new RangeError(`--policies must be a multiple of ${LEGS}, at least ${payouts * 10}`)
  }
  const legs = layLegs({ size: LEGS, onTime: LEGS_DECIDING, late: lateLegs })
  say(`${LEGS} legs, ${policies} policies: starting the services`)
  await using installation = await startInstallation(formatLegPack(legs.pack), BOUND_AT)
  const server = { address: installation.temporalAddress, namespace: 'default' }
  await using owned = await connectClient(server, { env: {}, keys: null })
  const { client } = owned
  await Promise.race([measure({ installation, client, legs, policies, payouts }), interrupted()])
}

/** Rejects at Ctrl-C, so that what was started is stopped. */
async function interrupted(): Promise<never> {
  const [signal] = await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  throw new Error(`stopped by ${String(signal)}`)
}

type Plan = {
  readonly installation: Installation
  readonly client: Client
  readonly legs: BenchLegs
  readonly policies: number
  readonly payouts: number
}

async function measure({ installation, client, legs, policies, payouts }: Plan): Promise<void> {
  const { db, clock } = installation
  // Ticks are started here, one at a time.
  await client.schedule.getHandle('flight-monitor').pause('the benchmark starts its own ticks')

  await seed(installation, legs, policies / LEGS)
  const firstLook = instantFromMs(FIRST_LOOK_AT_MS)
  const tickAt = instantFromMs(TICK_AT_MS)

  say('first look at the arrived legs, which also warms the worker up')
  await clock.set({ now: firstLook, speed: 1 })
  await makeDue(db, [...legs.arrivedOnTime, ...legs.arrivedLate], firstLook)
  await runTick(client, installation)

  const others = legs.notArrived.slice(0, LEGS_DUE - LEGS_DECIDING)
  await clock.set({ now: tickAt, speed: 1 })
  await makeDue(db, [...legs.arrivedOnTime, ...others], tickAt)
  const tick = await runTick(client, installation)
  print(`tick over ${policies} policies`, tick, {
    'policies/s': Math.round(policies / tick.seconds),
    legs: `${tick.result.polled} polled of ${tick.result.due} due, ${tick.result.failed} failed`,
    decided: `${tick.result.policiesPaid} paid, ${tick.result.policiesNotPaid} not`,
  })

  await clock.set({ now: tickAt, speed: 1 })
  await makeDue(db, legs.arrivedLate, tickAt)
  const storm = await runTick(client, installation)
  const paid = await count(db, sql`select count(*)::integer as n from payout where state = 'PAID'`)
  print(`${payouts} payouts from the tick's start to the last settled`, storm, {
    'payouts/s': Math.round(paid / storm.seconds),
    batches: storm.workflows - 1,
    'decided after': `${storm.tickSeconds.toFixed(2)} s, the monitor's own run`,
  })

  const rss = Math.max(tick.workerPeakRssMb, storm.workerPeakRssMb)
  const problems = [
    ...(await inspect(installation, payouts, paid)),
    ...(tick.result.due === LEGS_DUE ? [] : [`${tick.result.due} legs were due`]),
    ...(tick.seconds <= BOUND_S ? [] : [`the tick took longer than ${BOUND_S} s`]),
    ...(storm.seconds <= BOUND_S ? [] : [`the payouts took longer than ${BOUND_S} s`]),
    ...(rss <= BOUND_RSS_MB ? [] : [`the worker took more than ${BOUND_RSS_MB} MB`]),
  ]
  for (const problem of problems) say(`NOT HELD: ${problem}`)
  if (problems.length === 0) say('all bounds held, each payout once, the ledger is balanced')
  process.exitCode = problems.length === 0 ? 0 : 1
  if (values.json !== undefined) {
    const report = { policies, payouts, tick, storm, problems }
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`)
  }
}

async function seed(
  installation: Installation,
  legs: BenchLegs,
  policiesPerLeg: number,
): Promise<void> {
  const { db, clock, flightsUrl } = installation
  const startedAt = performance.now()
  await bindFirstPolicies({ db, flightsUrl, clock: createVirtualClock(clock) }, legs.pack)
  say(`one policy per leg imported in ${since(startedAt)} s`)
  const total = await multiplyPolicies(db, policiesPerLeg)
  say(`${total} live policies in the book after ${since(startedAt)} s`)
}

/** Starts the main job, waits for it and for every payout run that it started. */
async function runTick(client: Client, installation: Installation): Promise<Measured> {
  const { db } = installation
  installation.takeWorkerPeakRss()
  const cpuBefore = installation.cpuSeconds()
  await sql`select pg_stat_statements_reset()`.execute(db)
  const startedAt = performance.now()
  const { workflowId, runId } = await startJob(
    { client },
    { job: 'flight-monitor', input: {}, trigger: 'api' },
  )
  const handle = client.workflow.getHandle(workflowId, runId)
  const result = (await handle.result()) as FlightMonitorResult
  const tickSeconds = (performance.now() - startedAt) / 1000
  const batches = await newBatches(db)
  await Promise.all(batches.map((id) => client.workflow.getHandle(`payout:${id}`).result()))
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = Object.fromEntries(
    Object.entries(installation.cpuSeconds()).map(([part, seconds]) => [
      part,
      seconds - (cpuBefore[part] ?? 0),
    ]),
  )
  const queries = await count(
    db,
    sql`select sum(calls)::integer as n from pg_stat_statements s
      join pg_database d on d.oid = s.dbid where d.datname = current_database()`,
  )
  const handles = [handle, ...batches.map((id) => client.workflow.getHandle(`payout:${id}`))]
  const described = await Promise.all(handles.map((each) => each.describe()))
  const historyEvents = described.reduce((sum, each) => sum + each.historyLength, 0)
  const workerPeakRssMb = Math.round(installation.takeWorkerPeakRss() / 1024 / 1024)
  const workflows = handles.length
  return { seconds, tickSeconds, queries, historyEvents, workflows, workerPeakRssMb, cpu, result }
}

const seenBatches = new Set<string>()

async function newBatches(db: Database): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`select id from payout_batch`.execute(db)
  const fresh = rows.map((row) => row.id).filter((id) => !seenBatches.has(id))
  for (const id of fresh) seenBatches.add(id)
  return fresh
}

/** Each payout moved money once, and the book's invariants hold. */
async function inspect(
  installation: Installation,
  payouts: number,
  paid: number,
): Promise<string[]> {
  const { db, moneyLog } = installation
  const entries = await readMoneyLog(moneyLog)
  const groups = entries.flatMap((entry) =>
    entry.kind === 'transfer' ? [entry.transfer.transferGroup] : [],
  )
  await sql`set statement_timeout = 0`.execute(db)
  const { breaks } = await verifyBooks({ ledgerStore: createLedgerStore(db) }, { limit: 10 })
  return [
    ...(paid === payouts ? [] : [`${paid} of ${payouts} payouts are paid`]),
    ...(groups.length === payouts ? [] : [`money moved ${groups.length} times`]),
    ...(new Set(groups).size === payouts ? [] : ['money moved twice for a payout']),
    ...breaks.map((found) => `${found.invariant} ${found.subject}: ${found.detail}`),
  ]
}

async function count(db: Database, query: ReturnType<typeof sql>): Promise<number> {
  const { rows } = await query.execute(db)
  return (rows[0] as { n: number } | undefined)?.n ?? 0
}

function print(title: string, measured: Measured, more: Record<string, string | number>): void {
  say(`\n${title}`)
  const figures = {
    seconds: measured.seconds.toFixed(2),
    ...more,
    queries: measured.queries,
    'processor s': Object.entries(measured.cpu)
      .map(([part, used]) => `${part} ${used.toFixed(1)}`)
      .join(', '),
    'worker peak RSS': `${measured.workerPeakRssMb} MB`,
    'history events': `${measured.historyEvents} in ${measured.workflows} workflows`,
  }
  for (const [name, value] of Object.entries(figures)) say(`  ${name.padEnd(15)} ${value}`)
}

function since(startedAt: number): string {
  return ((performance.now() - startedAt) / 1000).toFixed(1)
}

function say(text: string): void {
  console.log(text)
}

const [cpu] = cpus()
say(
  `load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')}`,
)
say(`${cpus().length} x ${cpu?.model ?? 'unknown processor'}, Node ${process.version}`)
await main(Number(values.policies), Number(values.payouts))
