/** What the signs of an outside service say about it. */
import { expect, test } from 'vitest'

import { judgeProvider, type ProviderSigns } from '../../../domain/provider-health.ts'

const GOOD: ProviderSigns = {
  contact: 'answered',
  isPlanRefused: false,
  calls: 100,
  failures: 0,
  openBreakers: 0,
  isBudgetSpent: false,
}

test.each<[string, Partial<ProviderSigns>, string, string]>([
  ['that answers is up', {}, 'UP', 'ANSWERS'],
  ['that answered a call just before is up', { contact: 'recent' }, 'UP', 'ANSWERS'],
  ['that is silent is down', { contact: 'silent' }, 'DOWN', 'NO_ANSWER'],
  ['that refuses the key is down', { contact: 'refused' }, 'DOWN', 'KEY_REFUSED'],
  ['whose plan includes nothing is down', { isPlanRefused: true }, 'DOWN', 'PLAN_REFUSED'],
  ['with a breaker open is degraded', { openBreakers: 1 }, 'DEGRADED', 'BREAKER_OPEN'],
  ['half of whose calls fail is degraded', { failures: 50 }, 'DEGRADED', 'CALLS_FAIL'],
  ['less than half of whose calls fail is up', { failures: 49 }, 'UP', 'ANSWERS'],
  ['with 20 calls is judged by them', { calls: 20, failures: 20 }, 'DEGRADED', 'CALLS_FAIL'],
  ['with 19 calls is not judged by them', { calls: 19, failures: 19 }, 'UP', 'ANSWERS'],
  ['whose budget is spent is degraded', { isBudgetSpent: true }, 'DEGRADED', 'BUDGET_SPENT'],
  [
    'that is silent is down, whatever else',
    { contact: 'silent', openBreakers: 2, failures: 100 },
    'DOWN',
    'NO_ANSWER',
  ],
])('a provider %s', (_rule, signs, state, reason) => {
  expect(judgeProvider({ ...GOOD, ...signs })).toEqual({ state, reason })
})
