/** What may be bound, what a bound policy was bound with, and the page that goes to the store. Pure. */
import { emptyFacts } from '../domain/leg-facts.ts'
import { legKey } from '../domain/leg.ts'
import type { LegIdentity } from '../domain/leg.ts'
import { shareOf } from '../domain/money.ts'
import { coverEnd } from '../domain/policy.ts'
import type { PolicyColumn, PolicyRow, RowProblem } from '../domain/policy-row.ts'
import { nextPoll } from '../domain/poll-plan.ts'
import type { ScheduledLeg } from '../domain/ports/flight-data-provider.ts'
import type { BindPage, BoundPolicy, NewLeg, NewPolicy } from '../domain/ports/policy-store.ts'
import type { StoredProduct } from '../domain/ports/product-store.ts'
import type { Product } from '../domain/product.ts'
import { DEFAULT_TENANT } from '../domain/role.ts'
import type { Instant } from '../domain/time.ts'
import { nextTimetableLook } from '../domain/timetable-watch.ts'

/** Why a row's payee is not taken; whose it is, is not told. */
export const FOREIGN_HOLDER = "is another tenant's holder"

/** A row whose leg and product are known. */
export type BindableRow = {
  readonly line: number
  readonly row: PolicyRow
  readonly leg: ScheduledLeg
  readonly product: StoredProduct
}

/** Why a well-formed row may not be bound, or null: cover is bound before departure, never after. */
export function refusalAtBind(
  row: PolicyRow,
  leg: ScheduledLeg,
  product: Product,
  now: Instant,
): RowProblem | null {
  if (row.boundAt !== null && row.boundAt > now) {
    return { field: 'bound_at', reason: `is in the future: ${row.boundAt}, now is ${now}` }
  }
  if (row.boundAt !== null && row.boundAt >= leg.scheduledOut) {
    const reason = `is not before the scheduled departure at ${leg.scheduledOut}: ${row.boundAt}`
    return { field: 'bound_at', reason }
  }
  if (row.boundAt === null && now >= leg.scheduledOut) {
    const reason =
      `departed already: scheduled at ${leg.scheduledOut}, now is ${now}; ` +
      'a policy that was bound elsewhere before that needs bound_at'
    return { field: 'departure_date', reason }
  }
  const shares = [product.cancelBps, product.notReachedBps, ...product.tiers.map(({ bps }) => bps)]
  const smallest = Math.min(...shares.filter((bps) => bps > 0))
  if (Number.isFinite(smallest) && shareOf(row.sumInsuredMinor, smallest) === 0) {
    const reason = `is too small: ${smallest / 100} % of it, a payout of ${product.code}, is nothing`
    return { field: 'sum_insured', reason }
  }
  return null
}

/** The columns in which a row differs from the policy bound under its number. */
export function differingColumns(row: PolicyRow, policy: BoundPolicy): PolicyColumn[] {
  const bound: BoundLeg = boundLeg(policy)
  const checks: readonly (readonly [PolicyColumn, boolean])[] = [
    ['product', row.product === policy.productCode],
    ['flight_number', isSold(row.identity, policy, bound)],
    ['origin', row.identity.origin === bound.origin],
    ['destination', row.identity.destination === bound.destination],
    ['departure_date', row.identity.originLocalDate === policy.originLocalDate],
    ['sum_insured', row.sumInsuredMinor === policy.sumInsuredMinor],
    ['currency', row.currency === policy.currency],
    ['payee_ref', row.payeeRef === policy.payeeRef],
    ['premium', row.premiumMinor === policy.premiumMinor],
    // Without the column the policy was bound when it came in, whenever that was.
    ['bound_at', row.boundAt === null || row.boundAt === policy.boundAt],
  ]
  return checks.filter(([, isSame]) => !isSame).map(([column]) => column)
}

type BoundLeg = { readonly ident: string; readonly origin: string; readonly destination: string }

function boundLeg(policy: BoundPolicy): BoundLeg {
  const [carrier = '', flightNumber = '', origin = '', destination = ''] = policy.legKey.split('|')
  return { ident: carrier + flightNumber, origin, destination }
}

function isSold(identity: LegIdentity, policy: BoundPolicy, bound: BoundLeg): boolean {
  const ident = identity.carrier + identity.flightNumber
  return ident === bound.ident || ident === policy.marketingIdent
}

/** The legs (each once) and policies to bind. */
export function newPolicyPage(
  rows: readonly BindableRow[],
  now: Instant,
  capacityMinor: number,
): BindPage {
  const legs = new Map<string, BindableRow[]>()
  const policies: NewPolicy[] = []
  for (const bindable of rows) {
    const { row, leg, product } = bindable
    const key = legKey(operatingIdentity(bindable))
    const sameLeg = legs.get(key)
    if (sameLeg === undefined) legs.set(key, [bindable])
    else sameLeg.push(bindable)
    policies.push({
      policyNumber: row.policyNumber,
      productVersionId: product.productVersionId,
      legKey: key,
      marketingIdent: soldAs(row.identity, leg),
      insuredScheduledOut: leg.scheduledOut,
      insuredScheduledIn: leg.scheduledIn,
      sumInsuredMinor: row.sumInsuredMinor,
      currency: row.currency,
      payeeRef: row.payeeRef,
      premiumMinor: row.premiumMinor,
      boundAt: row.boundAt ?? now,
      coverEnd: coverEnd(leg.scheduledIn),
      tenant: row.tenant ?? DEFAULT_TENANT,
    })
  }
  return {
    legs: [...legs.values()].map((sameLeg) => newLeg(sameLeg, now)),
    policies,
    now,
    capacityMinor,
  }
}

function operatingIdentity({ row, leg }: BindableRow): LegIdentity {
  return {
    carrier: leg.carrier,
    flightNumber: leg.flightNumber,
    origin: leg.origin,
    destination: leg.destination,
    originLocalDate: row.identity.originLocalDate,
  }
}

function soldAs(identity: LegIdentity, leg: ScheduledLeg): string | null {
  const ident = identity.carrier + identity.flightNumber
  return ident === leg.carrier + leg.flightNumber ? null : ident
}

function newLeg(rows: readonly BindableRow[], now: Instant): NewLeg {
  const [first] = rows
  if (first === undefined) throw new Error('a leg without a policy')
  const identity = operatingIdentity(first)
  const { originZone, destinationZone, providerIdent, scheduledOut, scheduledIn } = first.leg
  const leg = { identity, originZone, destinationZone, scheduledOut, scheduledIn }
  const products = new Map(rows.map(({ product }) => [product.productVersionId, product.product]))
  const plan = nextPoll({
    leg,
    facts: emptyFacts(),
    products: [...products.values()],
    now,
    consecutiveFailures: 0,
  })
  return {
    legKey: legKey(identity),
    ...identity,
    originZone,
    destinationZone,
    providerIdent,
    scheduledOut,
    scheduledIn,
    firstPollAt: plan.at ?? now,
    pollPhase: plan.phase,
    pollReason: plan.reason,
    firstTimetableAt: nextTimetableLook(now, scheduledOut),
  }
}
