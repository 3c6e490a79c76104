/** The API's doors to policies, quotes, cancellations and appeals, built from the parts of the process. */
import { hostname } from 'node:os'
import { createAeroApiProvider } from '../adapters/flights/aeroapi.ts'
import { createLeasedAllowance, keyIdOf } from '../adapters/flights/leased-allowance.ts'
import { loadAirportZones } from '../adapters/airports/zones.ts'
import { lazyDelayHistory } from '../adapters/rates/delay-history.ts'
import { createAllowanceStore } from '../db/stores/allowance-store.ts'
import { createAppealStore } from '../db/stores/appeal-store.ts'
import { createCancellationStore } from '../db/stores/cancellation-store.ts'
import { createPolicyDetailsStore } from '../db/stores/policy-details.ts'
import { createPolicyStore } from '../db/stores/policy-store.ts'
import { createProductStore } from '../db/stores/product-store.ts'
import { createProviderHealthStore } from '../db/stores/provider-health-store.ts'
import { createQuoteStore } from '../db/stores/quote-store.ts'
import { appealPolicy } from '../operations/appeal-policy.ts'
import { bindQuote } from '../operations/bind-quote.ts'
import { cancelPolicy } from '../operations/cancel-policy.ts'
import { createQuote } from '../operations/create-quote.ts'
import { importPolicies } from '../operations/import-policies.ts'
import type { Events } from '../platform/events.ts'
import { observeFlightData } from '../platform/observed-providers.ts'
import { createProviderReports } from '../platform/provider-reports.ts'
import type { AppealsDeps } from './rest/appeals.ts'
import type { PoliciesDeps } from './rest/policies.ts'
import type { PolicyCancellationDeps } from './rest/policy-cancellation.ts'
import type { QuotesDeps } from './rest/quotes.ts'
import type { ApiParts } from './parts.ts'

/** What the routes of policies and quotes need. */
export function underwritingOf(
  parts: ApiParts,
  events: Events,
): Pick<PoliciesDeps, 'policies'> & Pick<QuotesDeps, 'quotes'> {
  const { config, secrets, db, clock, stack } = parts
  const apiKey = secrets.aeroapiKey ?? ''
  const allowance = createLeasedAllowance({
    provider: 'aeroapi',
    keyId: keyIdOf(apiKey),
    store: createAllowanceStore(db),
    terms: config.aeroapi,
    onNotice: (notice) => events.providerBudgetReached({ provider: 'aeroapi', ...notice }),
  })
  stack.use(allowance)
  const flightData = createAeroApiProvider({
    baseUrl: config.aeroapi.url,
    apiKey,
    allowance,
    concurrency: config.aeroapi.concurrency,
    airports: loadAirportZones(),
    clock,
  })
  stack.use(flightData)
  const reporter = `api:${hostname()}:${process.pid}`
  const store = createProviderHealthStore(db)
  const reports = stack.use(createProviderReports({ store, events, reporter }))
  reports.add({ ...flightData, provider: flightData.id })
  const quoteStore = createQuoteStore(db)
  const deps = {
    quoteStore,
    delayHistory: lazyDelayHistory(),
    policyStore: createPolicyStore(db),
    productStore: createProductStore(db),
    flightData: observeFlightData(flightData, reports),
    clock,
    capacityMinor: config.underwriting.capacityMinor,
  }
  return {
    policies: {
      import: (rows, from) => importPolicies(deps, rows, from),
      find: (policyNumber) => createPolicyDetailsStore(db).find(policyNumber),
    },
    quotes: {
      create: (request) => createQuote(deps, request),
      find: (quoteId) => quoteStore.find(quoteId),
      bind: (input) => bindQuote(deps, input),
    },
  }
}

/** What the routes of holder cancellations need. */
export function cancellationsOf({ db, clock }: ApiParts): PolicyCancellationDeps['cancellations'] {
  const deps = { cancellationStore: createCancellationStore(db), clock }
  return { cancel: (input) => cancelPolicy(deps, input) }
}

/** What the routes of appeals need. */
export function appealsOf({ db, clock }: ApiParts): AppealsDeps['appeals'] {
  const appealStore = createAppealStore(db)
  return {
    file: (input) => appealPolicy({ appealStore, clock }, input),
    list: async (policyNumber) => appealStore.list(policyNumber, await clock.now()),
  }
}
