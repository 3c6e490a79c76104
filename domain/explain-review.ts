/**
 * A review case on one page: who said what and when, the insured against the present timetable in local
 * and in UTC time, the rules, the delay as computed, and what each outcome would pay. Decides nothing.
 */
import { formatMajorAmount } from './currency.ts'
import type { LegFacts, WatchedLeg } from './leg-facts.ts'
import { localTime, type LocalTime } from './local-time.ts'
import { currency, minorUnits } from './money.ts'
import type { ProviderLeg } from './ports/flight-data-provider.ts'
import type { ShownObservation } from './ports/leg-reads.ts'
import {
  sumShares,
  type CurrencySum,
  type ReviewGroup,
  type ReviewSnapshot,
} from './review-case.ts'
import type { ReviewDecision } from './review-decision.ts'
import { judgeDecision } from './review-judgement.ts'
import { dueAt } from './review-sla.ts'
import { addMs, HOUR_MS, MINUTE_MS, msBetween, type Instant } from './time.ts'

/** What the page is made of; read from the book at one moment. */
export type ReviewPageInput = {
  readonly snapshot: ReviewSnapshot
  /** The leg's key, or the policy's number; null for other subjects. */
  readonly name: string | null
  readonly openedAt: Instant
  readonly resolvedAt: Instant | null
  readonly resolvedBy: string | null
  readonly resolutionReason: string | null
  readonly details: unknown
  readonly leg: {
    readonly legKey: string
    readonly phase: string
    readonly watched: WatchedLeg
    readonly facts: LegFacts
    /** As the policies of the case have it; null when there are none. */
    readonly insuredOut: Instant | null
    readonly insuredIn: Instant | null
    readonly observations: readonly ShownObservation[]
  } | null
  readonly history: readonly ReviewEvent[]
  readonly now: Instant
}

/** One thing that people or the product did to the case. */
export type ReviewEvent = {
  readonly at: Instant
  readonly actor: string
  readonly action: string
  readonly reason: string | null
}

/** What an observation says of one moment. */
type SaidTime = { readonly what: string; readonly time: LocalTime }

/** What a provider said, once per change. */
export type TimelineEntry = {
  readonly observationId: number
  readonly firstSeen: LocalTime
  readonly lastSeen: LocalTime
  readonly seenCount: number
  readonly flags: readonly string[]
  readonly records: readonly {
    readonly flight: string
    readonly isCancelled: boolean
    readonly isDiverted: boolean
    readonly times: readonly SaidTime[]
  }[]
}

/** What one outcome would pay a group, beyond what it got. */
type OutcomePay = {
  readonly outcome: string
  readonly bps: number
  readonly minor: string
  readonly text: string
}

/** The leg of a case: what was insured, what holds now, who said what. */
export type ReviewLegPart = {
  readonly legKey: string
  readonly phase: string
  readonly insured: { readonly out: LocalTime; readonly in: LocalTime }
  /** The provider's present timetable; null when it never told one. */
  readonly present: { readonly out: LocalTime | null; readonly in: LocalTime | null }
  readonly arrival: LocalTime | null
  readonly isTouchDownOnly: boolean
  readonly timeline: readonly {
    readonly provider: string
    readonly entries: readonly TimelineEntry[]
  }[]
}

/** Policies of a case that share rules and insured arrival. */
export type ReviewGroupPart = {
  readonly product: { readonly code: string; readonly version: number }
  readonly insuredArrival: LocalTime
  readonly currency: string
  readonly policies: number
  readonly rules: readonly string[]
  /** Whole minutes; null while no arrival is known. */
  readonly delayMin: number | null
  readonly outcomes: readonly OutcomePay[]
}

/** The page. */
export type ReviewPage = Pick<
  ReviewSnapshot,
  'caseId' | 'state' | 'assignee' | 'waitUntil' | 'proposal' | 'resolution' | 'payout'
> &
  Pick<
    ReviewPageInput,
    'openedAt' | 'resolvedAt' | 'resolvedBy' | 'resolutionReason' | 'details' | 'history'
  > & {
    readonly reason: string
    readonly subject: {
      readonly kind: string
      readonly id: string
      readonly name: string | null
    }
    readonly dueAt: Instant
    /** Outcomes that the case allows now. */
    readonly possible: readonly string[]
    readonly leg: ReviewLegPart | null
    readonly groups: readonly ReviewGroupPart[]
  }

/** Explains. Pure: the same book gives the same page. */
export function explainReview(input: ReviewPageInput): ReviewPage {
  const { snapshot, leg } = input
  const { caseId, state, reasonCode, assignee, waitUntil, proposal, resolution } = snapshot
  return {
    caseId,
    state,
    reason: reasonCode,
    subject: { kind: snapshot.subjectKind, id: snapshot.subjectId, name: input.name },
    openedAt: input.openedAt,
    dueAt: dueAt(reasonCode, input.openedAt, waitUntil),
    assignee,
    waitUntil,
    proposal,
    resolution,
    resolvedAt: input.resolvedAt,
    resolvedBy: input.resolvedBy,
    resolutionReason: input.resolutionReason,
    details: input.details,
    possible: possibleOutcomes(snapshot, input.now),
    leg: leg === null ? null : legPart(leg),
    groups: [...snapshot.groups, ...snapshot.differences].map((group) => groupPart(group, leg)),
    payout: snapshot.payout,
    history: input.history,
  }
}

/** What the case allows now, to somebody who may decide it. */
function possibleOutcomes(snapshot: ReviewSnapshot, now: Instant): string[] {
  const decisions: readonly ReviewDecision[] = [
    { outcome: 'pay', basis: { bps: 10_000 } },
    { outcome: 'deny' },
    { outcome: 'wait', until: addMs(now, HOUR_MS) },
    { outcome: 'retry' },
    { outcome: 'cancel' },
    { outcome: 'acknowledge' },
    { outcome: 'confirm' },
    { outcome: 'refuse' },
  ]
  const by = snapshot.proposal === null ? (snapshot.assignee ?? 'anybody') : 'somebody else'
  const note = { by, reason: '', at: now, requestId: '' }
  return decisions
    .filter((decision) => judgeDecision(snapshot, decision, note).kind === 'change')
    .map(({ outcome }) => outcome)
}

function legPart(leg: NonNullable<ReviewPageInput['leg']>): ReviewLegPart {
  const { watched, facts, observations } = leg
  const { originZone, destinationZone } = watched
  const at = (instant: Instant | null, zone: string) =>
    instant === null ? null : localTime(instant, zone)
  const arrival = facts.arrival?.value ?? facts.landing?.value ?? null
  const providers = [...new Set(observations.map(({ provider }) => provider))].toSorted()
  return {
    legKey: leg.legKey,
    phase: leg.phase,
    insured: {
      out: localTime(leg.insuredOut ?? watched.scheduledOut, originZone),
      in: localTime(leg.insuredIn ?? watched.scheduledIn, destinationZone),
    },
    present: {
      out: at(facts.scheduledOut, originZone),
      in: at(facts.scheduledIn, destinationZone),
    },
    arrival: at(arrival, destinationZone),
    isTouchDownOnly: facts.arrival === null && facts.landing !== null,
    timeline: providers.map((provider) => ({
      provider,
      entries: observations
        .filter((one) => one.provider === provider)
        .toSorted((a, b) => a.observationId - b.observationId)
        .map((one) => entryOf(one, watched)),
    })),
  }
}

function entryOf(one: ShownObservation, leg: WatchedLeg): TimelineEntry {
  // The product wrote the records itself, in its own form.
  const records = Array.isArray(one.records) ? (one.records as readonly ProviderLeg[]) : []
  return {
    observationId: one.observationId,
    firstSeen: localTime(one.firstSeenAt, leg.destinationZone),
    lastSeen: localTime(one.lastSeenAt, leg.destinationZone),
    seenCount: one.seenCount,
    flags: one.flags,
    records: records.map((record) => ({
      flight: `${record.carrier ?? ''}${record.flightNumber ?? '?'} ${record.origin ?? '?'}-${record.destination ?? '?'}`,
      isCancelled: record.cancelled,
      isDiverted: record.diverted,
      times: timesOf(record, leg),
    })),
  }
}

const TIMES = [
  ['scheduledOut', 'originZone'],
  ['scheduledIn', 'destinationZone'],
  ['estimatedOut', 'originZone'],
  ['estimatedIn', 'destinationZone'],
  ['actualOut', 'originZone'],
  ['actualOff', 'originZone'],
  ['actualOn', 'destinationZone'],
  ['actualIn', 'destinationZone'],
] as const

function timesOf(record: ProviderLeg, leg: WatchedLeg): SaidTime[] {
  return TIMES.flatMap(([what, zone]) => {
    const instant = record[what]
    return instant === null ? [] : [{ what, time: localTime(instant, leg[zone]) }]
  })
}

function groupPart(group: ReviewGroup, leg: ReviewPageInput['leg']): ReviewGroupPart {
  const { product, insuredScheduledIn, sums } = group
  const arrival = leg?.facts.arrival ?? leg?.facts.landing ?? null
  const zone = leg?.watched.destinationZone ?? 'UTC'
  return {
    product: { code: product.code, version: product.version },
    insuredArrival: localTime(insuredScheduledIn, zone),
    currency: group.currency,
    policies: sums.reduce((sum, { policies }) => sum + policies, 0),
    rules: rulesOf(group),
    delayMin:
      arrival === null
        ? null
        : Math.floor(msBetween(insuredScheduledIn, arrival.value) / MINUTE_MS),
    outcomes: outcomesOf(group),
  }
}

function rulesOf({ product }: ReviewGroup): string[] {
  const tiers = product.tiers.map(
    ({ minDelayMin, bps }) => `${bps / 100}% from ${minDelayMin} minutes late at the gate`,
  )
  return [
    ...tiers.toReversed(),
    `${product.cancelBps / 100}% when cancelled`,
    `${product.notReachedBps / 100}% when the destination was not reached`,
  ]
}

function outcomesOf(group: ReviewGroup): OutcomePay[] {
  const { product } = group
  const cases = [
    { outcome: 'deny', bps: 0 },
    ...product.tiers
      .toReversed()
      .map(({ minDelayMin, bps }) => ({ outcome: `pay delayMin=${minDelayMin}`, bps })),
    { outcome: 'pay event=CANCELLED', bps: product.cancelBps },
    { outcome: 'pay event=NOT_REACHED', bps: product.notReachedBps },
  ]
  return cases.map(({ outcome, bps }) => {
    const [sum] = sumShares([group], () => bps)
    return { outcome, bps, minor: String(sum?.minor ?? 0n), text: moneyText(sum) }
  })
}

/** `250.00 USD`; sums beyond what a number holds are told in minor units. */
function moneyText(sum: CurrencySum | undefined): string {
  if (sum === undefined) return ''
  const { minor, currency: code } = sum
  if (minor > BigInt(Number.MAX_SAFE_INTEGER)) return `${minor} minor units of ${code}`
  return `${formatMajorAmount(minorUnits(Number(minor)), currency(code))} ${code}`
}
