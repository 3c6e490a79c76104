/** Real legs of a storm evening, polled as in production over both adapters from the local server. */
import { expect, test } from 'vitest'

import { loadAirportZones } from '../../adapters/airports/zones.ts'
import { createAeroApiProvider } from '../../adapters/flights/aeroapi.ts'
import { createAviationstackProvider } from '../../adapters/flights/aviationstack.ts'
import { decideBySources } from '../../domain/decide-by-sources.ts'
import type { Decision } from '../../domain/decision.ts'
import { emptyFacts } from '../../domain/leg-facts.ts'
import { packLegIdentity, type PackLeg } from '../../domain/leg-pack.ts'
import type { LegStore, LegToPoll } from '../../domain/ports/leg-store.ts'
import { REFERENCE_PRODUCTS } from '../../domain/product.ts'
import { addMs, HOUR_MS, instantFromMs, type Instant } from '../../domain/time.ts'
import { pollLegShard } from '../../operations/poll-leg-shard.ts'
import { createFlightFaults } from '../../simulator/flights/flight-faults.ts'
import { createFlightIndex } from '../../simulator/flights/flight-index.ts'
import { startFlightServer } from '../../simulator/flights/flight-server.ts'
import { handClock, LOOPBACK } from '../unit/adapters/fixtures.ts'
import { insured, loadPack } from '../unit/domain/real-legs.ts'

const SEED = 3
const PACK = loadPack('nyc2013-02-storm.legs.txt.gz')
const FD45 = REFERENCE_PRODUCTS.slice(0, 1)
/** Every so many legs of three evenings, and all that were diverted. */
const LEGS = PACK.legs.filter(
  (leg, at) => at < 4_500 && (at % 90 === 0 || (leg.status !== 'A' && leg.status !== 'C')),
)

function dueBps({ status, arrivalDelayMin }: PackLeg): number {
  if (status === 'C' || status === 'D') return 10_000
  return FD45[0]?.tiers.find((tier) => (arrivalDelayMin ?? 0) >= tier.minDelayMin)?.bps ?? 0
}

/** Legs in memory, each as its last poll left it. */
function legsInMemory() {
  const legs = new Map<string, LegToPoll & { nextPollAt: Instant }>()
  for (const [at, leg] of LEGS.entries()) {
    const [product] = FD45
    if (product === undefined) throw new Error('no product')
    const watched = insured(leg, PACK.zones)
    legs.set(`leg-${at}`, {
      legId: `leg-${at}`,
      leg: watched,
      providerIdent: `${leg.carrier}${leg.flightNumber}`,
      facts: emptyFacts(),
      second: null,
      phase: 'SCHEDULED',
      pollPhase: null,
      consecutiveFailures: 0,
      pollVersion: 0,
      lastNormSha256: {},
      groups: [{ productVersionId: 'FD45', product, insuredScheduledIn: watched.scheduledIn }],
      hasBound: false,
      nextPollAt: addMs(watched.scheduledOut, -HOUR_MS),
    })
  }
  const legStore: Pick<LegStore, 'loadForPolling' | 'savePolls'> = {
    loadForPolling: async (ids) => ids.flatMap((id) => legs.get(id) ?? []),
    savePolls: async (polls) =>
      polls.map((poll) => {
        const before = legs.get(poll.legId)
        if (before === undefined) throw new Error('an unknown leg was polled')
        legs.set(poll.legId, {
          ...before,
          facts: poll.answer?.facts ?? before.facts,
          second: poll.second?.facts ?? before.second,
          consecutiveFailures: poll.consecutiveFailures,
          pollPhase: poll.pollPhase,
          nextPollAt: poll.nextPollAt,
        })
        return poll.legId
      }),
  }
  return { legs, legStore }
}

/** Watches every leg until it is decided; decisions in the order of LEGS. */
async function decideAll(faults: Record<string, object>): Promise<Decision[]> {
  const clock = handClock(instantFromMs(LEGS[0]?.scheduledOutMs ?? 0))
  const plan = createFlightFaults(SEED)
  plan.set({ faults })
  const index = createFlightIndex(PACK)
  await using server = await startFlightServer({ index, clock, faults: plan, seed: SEED }, LOOPBACK)
  const options = { airports: loadAirportZones(), clock, ratePerS: 100_000 }
  await using first = createAeroApiProvider({
    ...options,
    apiKey: 'key',
    baseUrl: `${server.url}/aeroapi`,
  })
  await using second = createAviationstackProvider({
    ...options,
    apiKey: 'key',
    baseUrl: `${server.url}/v1`,
  })
  const { legs, legStore } = legsInMemory()
  const decisions: Decision[] = []
  for (const legId of legs.keys()) {
    for (;;) {
      const before = legs.get(legId)
      clock.set(before?.nextPollAt ?? '')
      const deps = { legStore, flightData: first, secondFlightData: second, clock }
      await pollLegShard(deps, { legIds: [legId], claimedBy: 'test' }, { concurrency: 1 })
      const after = legs.get(legId)
      const [group] = after?.groups ?? []
      if (after === undefined || group === undefined) throw new Error('the leg is gone')
      const decision = decideBySources({ ...after, ...group, now: await clock.now() })
      if (decision.outcome === 'NOT_YET') continue
      decisions.push(decision)
      break
    }
  }
  return decisions
}

function wrong(decisions: readonly Decision[]): string[] {
  return decisions.flatMap((decision, at) => {
    const leg = LEGS[at]
    if (leg === undefined || decision.outcome === 'REVIEW') return []
    const due = dueBps(leg)
    const bps = decision.outcome === 'PAY' ? decision.bps : 0
    const disputed = decision.outcome === 'PAY' ? (decision.disputedBps ?? bps) : bps
    const isRight = bps <= due && disputed >= due
    return isRight
      ? []
      : [`${packLegIdentity(leg, PACK.zones).carrier}${leg.flightNumber} ${due} ${bps}`]
  })
}

function count(decisions: readonly Decision[], reason: string): number {
  return decisions.filter(({ reasons }) => reasons.some((one) => one === reason)).length
}

test('both sources honest, times mislabelled as ever: every decision is right, payments agree', async () => {
  const decisions = await decideAll({})
  expect(wrong(decisions)).toEqual([])
  const paid = decisions.filter(({ outcome }) => outcome === 'PAY')
  expect(paid.length).toBeGreaterThan(10)
  expect(count(paid, 'SOURCES_AGREE') / paid.length).toBeGreaterThan(0.5)
  expect(count(decisions, 'SOURCES_CONFLICT')).toBe(0)
})

test.each([
  ['both flag flights as cancelled that fly', { cancelFlagWithoutCancel: {} }],
  ['both show a timetable that was changed late', { retime: {} }],
])('%s: none is wrong, and none waits for people for that', async (_, faults) => {
  const decisions = await decideAll(faults)
  expect(wrong(decisions)).toEqual([])
  expect(count(decisions, 'SECOND_SOURCE_SILENT')).toBe(0)
})

test.each([
  ['the first shows arrivals half an hour late', { conflict: { dialect: 'aeroapi' } }],
  ['the second shows arrivals half an hour late', { conflict: { dialect: 'aviationstack' } }],
  ['the second is a server that only fails', { '500': { dialect: 'aviationstack' } }],
  ['the second answers half', { truncated: { dialect: 'aviationstack' } }],
  ['cancellations of both are withdrawn', { reinstate: {} }],
])('%s: no decision is wrong', async (_, faults) => {
  expect(wrong(await decideAll(faults))).toEqual([])
})
