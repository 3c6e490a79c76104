/** The real half year, and a leg of it watched as the product watches it. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

import { decide, type Decision } from '../../../domain/decision.ts'
import { emptyFacts, foldAnswer, type WatchedLeg } from '../../../domain/leg-facts.ts'
import {
  packLegIdentity,
  parseLegPack,
  type LegPack,
  type PackLeg,
} from '../../../domain/leg-pack.ts'
import { nextPoll } from '../../../domain/poll-plan.ts'
import type { ProviderLeg } from '../../../domain/ports/flight-data-provider.ts'
import type { Product } from '../../../domain/product.ts'
import { viewLeg } from '../../../domain/simulation/provider-view.ts'
import { addMs, DAY_MS, instantFromMs, toMs } from '../../../domain/time.ts'

const DATA = new URL('../../../data/', import.meta.url)

/** The text of a file in `data/`, unzipped when it is zipped. */
export function dataText(name: string): string {
  const bytes = readFileSync(new URL(name, DATA))
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

/** A pack of `data/`. */
export function loadPack(name: string): LegPack {
  return parseLegPack(dataText(name))
}

/** A pack's leg as it is insured. */
export function insured(leg: PackLeg, zones: Record<string, string>): WatchedLeg {
  return {
    identity: packLegIdentity(leg, zones),
    originZone: zones[leg.origin] ?? 'UTC',
    destinationZone: zones[leg.destination] ?? 'UTC',
    scheduledOut: instantFromMs(leg.scheduledOutMs),
    scheduledIn: instantFromMs(leg.scheduledInMs),
  }
}

/** The pack's legs by carrier and number: what an ident's answer draws from. */
export function byNumber(pack: LegPack): (leg: PackLeg) => readonly PackLeg[] {
  const numbers = Map.groupBy(pack.legs, (leg) => `${leg.carrier}${leg.flightNumber}`)
  return (leg) => numbers.get(`${leg.carrier}${leg.flightNumber}`) ?? []
}

/** What a provider answers for an ident at a moment: ten days back, two ahead, newest first. */
export function answerOf(
  legs: readonly PackLeg[],
  zones: Record<string, string>,
  atMs: number,
): ProviderLeg[] {
  return legs
    .filter((leg) => Math.abs(leg.scheduledOutMs - atMs) < 10 * DAY_MS)
    .toSorted((a, b) => b.scheduledOutMs - a.scheduledOutMs)
    .flatMap((leg) => viewLeg(leg, zones, atMs, 1))
}

/** Polls by the plan until the product is decided, over these answers. */
export function decisionOf(
  packLeg: PackLeg,
  pack: LegPack,
  product: Product,
  answer: (atMs: number) => readonly ProviderLeg[],
): Decision {
  const leg = insured(packLeg, pack.zones)
  const products = [product]
  let now = addMs(leg.scheduledOut, -3 * DAY_MS)
  let facts = emptyFacts()
  for (;;) {
    const { at } = nextPoll({ leg, facts, products, now, consecutiveFailures: 0 })
    if (at === null) break
    now = at
    facts = foldAnswer(facts, leg, answer(toMs(now)), now).facts
  }
  return decide({ leg, facts, insuredScheduledIn: leg.scheduledIn, product, now })
}
