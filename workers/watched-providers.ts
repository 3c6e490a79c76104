/** The outside services of this installation, each with a question that costs nothing. */
import { keyIdOf } from '../adapters/flights/leased-allowance.ts'
import { createHttpProbe } from '../adapters/http-probe.ts'
import type { Config, Secrets } from '../config/config.ts'
import type { PlanProber } from '../domain/ports/plan-store.ts'
import type { WatchedProvider } from '../operations/check-providers.ts'

const NO_BUDGET = { keyId: null, dayBudget: null, monthBudget: null }

/** Those whose key is set. `secondPlan` finds out what the second source's key may ask. */
export function watchedProviders(
  config: Config,
  secrets: Secrets,
  secondPlan?: PlanProber,
): WatchedProvider[] {
  const watched: WatchedProvider[] = []
  const { aeroapi, aviationstack, stripe } = config
  if (secrets.aeroapiKey !== null) {
    // The account's own figures, no flight data.
    const url = `${withoutSlash(aeroapi.url)}/account/usage`
    const headers = { 'x-apikey': secrets.aeroapiKey }
    const { dayBudget, monthBudget } = aeroapi
    const keyId = keyIdOf(secrets.aeroapiKey)
    const probe = createHttpProbe({ provider: 'aeroapi', url, headers })
    watched.push({ probe, keyId, dayBudget, monthBudget })
  }
  if (secrets.aviationstackKey !== null) {
    // With the key it would be one of the month's requests; without it the refusal is the answer.
    const url = `${withoutSlash(aviationstack.url)}/flights?limit=1`
    const { dayBudget, monthBudget } = aviationstack
    const keyId = keyIdOf(secrets.aviationstackKey)
    const probe = createHttpProbe({ provider: 'aviationstack', url, isWithoutKey: true })
    const plan = secondPlan === undefined ? {} : { prober: secondPlan }
    watched.push({ probe, keyId, dayBudget, monthBudget, ...plan })
  }
  if (secrets.stripeApiKey !== null) {
    const url = `${withoutSlash(stripe.url).replace(/\/v1$/, '')}/v1/balance`
    const headers = { authorization: `Bearer ${secrets.stripeApiKey}` }
    watched.push({ probe: createHttpProbe({ provider: 'stripe', url, headers }), ...NO_BUDGET })
  }
  return watched
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '')
}
