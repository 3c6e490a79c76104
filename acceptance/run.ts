/**
 * One acceptance run: boots what `npm start` boots, binds a book, sets the faults, steps the clock until
 * every policy is decided and its cover is over, and judges all of it by the oracle.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'

import { openKeyRing } from '../adapters/secrets/key-ring-sources.ts'
import { createRunAsker } from '../cli/clock/held-payouts.ts'
import { stepClock } from '../cli/clock/step-clock.ts'
import { createTicker } from '../cli/clock/ticker.ts'
import { createDatabase, type Database } from '../db/client.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { createOverviewStore } from '../db/stores/overview-store.ts'
import { addMs, DAY_MS, HOUR_MS, instantFromMs, later } from '../domain/time.ts'
import { DEFAULT_TERMS } from '../jobs/job-environments.ts'
import { policyExpirationResult } from '../jobs/policy-expiration.ts'
import { connectClient } from '../platform/temporal/connection.ts'
import { startJob } from '../platform/temporal/job-starter.ts'
import { brokenBounds } from './bounds.ts'
import type { FaultProfile } from './fault-profiles.ts'
import { Installation } from './installation.ts'
import {
  inspectDecisions,
  inspectEnd,
  type AutomaticDecisions,
  type FinalState,
} from './inspection.ts'
import { reviewByOracle, type ReviewPass } from './review-pass.ts'
import { acceptanceBook, type BookPlan } from './oracle/book.ts'
import { endOf, startOf, stepToEnd, type SteppedRun } from './stepping.ts'

/** What a run is to be. */
export type RunPlan = BookPlan & {
  readonly profile: FaultProfile
  readonly minStepMs: number
  /** With two, a second flight-data service is asked before payments. */
  readonly sources: 1 | 2
}

/** What a run came to. */
export type RunFigures = AutomaticDecisions &
  FinalState & {
    readonly reviewed: ReviewPass
    readonly plan: RunPlan
    readonly legs: number
    readonly policies: number
    readonly owedMinor: number
    readonly stepped: SteppedRun
    readonly expired: number
    readonly bootS: number
    readonly bindS: number
    readonly totalS: number
    /** Bounds that do not hold; empty is a pass. */
    readonly broken: readonly string[]
  }

/** The policies' last cover may end so long after the last insured arrival. */
const COVER_MS = DAY_MS
/** A sweep that is cut off by its time goes on with the next. */
const EXPIRY_RUNS_LIMIT = 20

/** Runs the plan from an empty home to the judgement. `say` is told of progress. */
export async function runAcceptance(
  plan: RunPlan,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<RunFigures> {
  const startedMs = performance.now()
  const book = acceptanceBook(plan)
  say(`${plan.profile.name}: ${book.legs.length} legs, ${book.owed.size} policies`)
  await using installation = await Installation.create(
    // Any key will do for the local second source.
    plan.sources === 2 ? { AVIATIONSTACK_KEY: 'acceptance' } : {},
  )
  await using stack = new AsyncDisposableStack()
  const startAt = startOf(book.firstDepartureMs)
  await installation.start([
    ...['--speed', '0', '--clock-start', startAt, '--flights', plan.flights],
  ])
  const bootS = since(startedMs)
  const bookFile = join(installation.home, 'book.csv')
  await writeFile(bookFile, book.csv)
  await installation.must('policies', 'import', bookFile)
  const bindS = since(startedMs) - bootS
  say(`started in ${bootS.toFixed(0)} s, bound in ${bindS.toFixed(0)} s`)

  const instance = await open(installation, stack)
  const { db, client, flightsUrl } = instance
  const deps = {
    clockStore: createClockStore(db),
    overviewStore: createOverviewStore(db),
    runTick: createTicker({ client, terms: DEFAULT_TERMS }),
    askRuns: createRunAsker({ client }),
  }
  const notAfter = endOf(book.lastArrivalMs)
  const stepping = { ...plan, startAt, notAfter, flightsUrl, onDay: dayTeller(say, startedMs) }
  const stepped = await stepToEnd(deps, stepping, signal)
  const coverOver = addMs(instantFromMs(book.lastArrivalMs + COVER_MS), HOUR_MS)
  const now = later(stepped.endedAt, coverOver)
  await deps.clockStore.set({ now })
  let expired = await expireAll(client)
  say(`stepped to ${stepped.endedAt} in ${stepped.steps} steps, ${expired} expired`)
  const automatic = await inspectDecisions(installation, db, book.owed)
  const reviewed = await reviewByOracle(instance, book)
  if (reviewed.cases > 0) {
    // People decide, the next tick pays, the next sweep expires.
    await stepClock(deps, { minMs: plan.minStepMs, to: addMs(now, plan.minStepMs) }, signal)
    expired += await expireAll(client)
  }
  const ended = await inspectEnd(
    installation,
    { db, runJob: (job) => runJob(client, job) },
    book.owed,
  )
  return {
    ...automatic,
    ...ended,
    reviewed,
    plan,
    legs: book.legs.length,
    policies: book.owed.size,
    owedMinor: [...book.owed.values()].reduce((sum, { amountMinor }) => sum + amountMinor, 0),
    stepped,
    expired,
    bootS,
    bindS,
    totalS: since(startedMs),
    broken: brokenBounds(plan.profile, { ...automatic, ...ended, reviewed }),
  }
}

type Instance = {
  readonly db: Database
  readonly client: Client
  readonly flightsUrl: string
  readonly apiUrl: string
}

async function open(installation: Installation, stack: AsyncDisposableStack): Promise<Instance> {
  const addresses = await installation.addresses()
  const { databaseUrl, temporalAddress, temporalNamespace, flightsUrl, apiUrl } = addresses
  const db = createDatabase(databaseUrl, { max: 4, applicationName: 'groundstop acceptance' })
  stack.defer(() => db.destroy())
  const address = { address: temporalAddress, namespace: temporalNamespace }
  const keys = await openKeyRing({ file: addresses.payloadKeysFile, text: null })
  const { client } = stack.use(await connectClient(address, { env: {}, keys }))
  return { db, client, flightsUrl, apiUrl }
}

/** Runs the product's own job until a sweep finds nothing to expire. Returns how many did. */
async function expireAll(client: Client): Promise<number> {
  let expired = 0
  for (let runs = 0; runs < EXPIRY_RUNS_LIMIT; runs += 1) {
    const swept = policyExpirationResult.parse(await runJob(client, 'policy-expiration'))
    expired += swept.expired
    if (swept.isComplete && swept.expired === 0) return expired
  }
  throw new Error(`policies still expire after ${EXPIRY_RUNS_LIMIT} sweeps`)
}

async function runJob(client: Client, job: string): Promise<unknown> {
  const { workflowId, runId } = await startJob({ client }, { job, input: {}, trigger: 'cli' })
  return client.workflow.getHandle(workflowId, runId).result()
}

/** Says at each virtual midnight how far the run is. */
function dayTeller(
  say: (text: string) => void,
  startedMs: number,
): (day: string, so: Pick<SteppedRun, 'steps' | 'polls'>) => void {
  return (day, { steps, polls }) =>
    say(`${day}: ${steps} steps, ${polls} polls, ${since(startedMs).toFixed(0)} s`)
}

function since(startedMs: number): number {
  return (performance.now() - startedMs) / 1_000
}
