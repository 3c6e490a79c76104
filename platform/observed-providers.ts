/** Counts and times every request to an outside service, around any adapter of its port. */
import type { AirportDataProvider } from '../domain/ports/airport-data-provider.ts'
import type { FlightDataProvider, ProviderResult } from '../domain/ports/flight-data-provider.ts'
import type {
  ListedPaymentProvider,
  PaymentProvider,
  TransferOutcome,
} from '../domain/ports/payment-provider.ts'
import type { PlanProber } from '../domain/ports/plan-store.ts'
import type { Events } from './events.ts'
import { PLAN_PRODUCTS } from '../domain/provider-plan.ts'
import type { ProviderOutcome } from './metrics.ts'

type Observer = Pick<Events, 'providerCalled'>

/** The same provider; each call is told as an event, however it ends. */
export function observeFlightData(
  provider: FlightDataProvider,
  events: Observer,
): FlightDataProvider {
  const { id } = provider
  const observe = observer(id, events)
  return {
    id,
    findScheduled: (identity, signal) =>
      observe('find_scheduled', () => provider.findScheduled(identity, signal), outcomeOf),
    getStatus: (leg, signal) =>
      observe('get_status', () => provider.getStatus(leg, signal), outcomeOf),
  }
}

/** The same provider; each call is told as an event, however it ends. */
export function observeAirportData(
  provider: AirportDataProvider,
  events: Observer,
): AirportDataProvider {
  const { id } = provider
  const observe = observer(id, events)
  return {
    id,
    airport: (code, signal) => observe('airport', () => provider.airport(code, signal), outcomeOf),
    weather: (code, signal) => observe('weather', () => provider.weather(code, signal), outcomeOf),
  }
}

/** The same prober; each probe is told as one event, which counts as answered when a product was. */
export function observePlanProber(
  provider: PlanProber & { readonly id: string },
  events: Observer,
): PlanProber {
  const observe = observer(provider.id, events)
  return {
    probePlan: (signal) =>
      observe(
        'probe_plan',
        () => provider.probePlan(signal),
        (plan) =>
          PLAN_PRODUCTS.every((product) => plan[product].verdict === 'unknown')
            ? 'unavailable'
            : 'ok',
      ),
  }
}

function outcomeOf(result: ProviderResult<unknown>): ProviderOutcome {
  return result.ok ? 'ok' : (result.kind.toLowerCase() as Lowercase<typeof result.kind>)
}

/** The same rail; each call is told as an event, however it ends. */
export function observeRail(provider: PaymentProvider, events: Observer): PaymentProvider {
  const { id } = provider
  const outcomeOf = (result: TransferOutcome): ProviderOutcome =>
    result.kind === 'accepted' ? 'ok' : result.kind
  const observe = observer(id, events)
  const isAnswered = (): ProviderOutcome => 'ok'
  return {
    id,
    createTransfer: (request, signal) =>
      observe('create_transfer', () => provider.createTransfer(request, signal), outcomeOf),
    findByGroup: (of, signal) =>
      observe('find_by_group', () => provider.findByGroup(of, signal), isAnswered),
    findOnBalance: (of, signal) =>
      observe('find_on_balance', () => provider.findOnBalance(of, signal), isAnswered),
    findById: (of, signal) =>
      observe('find_by_id', () => provider.findById(of, signal), isAnswered),
  }
}

/** As `observeRail`, of a rail that lists its transfers. */
export function observePayments(
  provider: ListedPaymentProvider,
  events: Observer,
): ListedPaymentProvider {
  const observe = observer(provider.id, events)
  return {
    ...observeRail(provider, events),
    listSince: (createdAfter, cursor, signal) =>
      observe(
        'list_since',
        () => provider.listSince(createdAfter, cursor, signal),
        () => 'ok',
      ),
  }
}

function observer(provider: string, events: Observer) {
  return async <Result>(
    operation: string,
    call: () => Promise<Result>,
    outcomeOf: (result: Result) => ProviderOutcome,
  ): Promise<Result> => {
    const startedAtMs = performance.now()
    // A call that throws was cancelled, or could not be made at all.
    let outcome: ProviderOutcome = 'aborted'
    try {
      const result = await call()
      outcome = outcomeOf(result)
      return result
    } finally {
      const durationMs = performance.now() - startedAtMs
      events.providerCalled({ provider, operation, outcome, durationMs })
    }
  }
}
