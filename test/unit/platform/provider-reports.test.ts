/** What a process counts of its calls, and what becomes of it when it cannot be stored. */
import { expect, test } from 'vitest'

import type { CallReport } from '../../../domain/ports/provider-health-store.ts'
import type { ProviderOutcome } from '../../../platform/metrics.ts'
import { createProviderReports } from '../../../platform/provider-reports.ts'

function rig() {
  const stored: (readonly CallReport[])[] = []
  const told: string[] = []
  const switches = { isStoreAway: false }
  const reports = createProviderReports({
    store: {
      report: async (_reporter, page) => {
        if (switches.isStoreAway) throw new Error('database away')
        stored.push(page)
      },
    },
    events: { providerCalled: ({ outcome }) => told.push(outcome) },
    reporter: 'worker:test:1',
  })
  reports.add({ provider: 'aeroapi', breakerState: () => 'closed', openConnections: () => 3 })
  const call = (outcome: ProviderOutcome) =>
    reports.providerCalled({ provider: 'aeroapi', operation: 'get_status', outcome, durationMs: 1 })
  return { reports, stored, told, switches, call }
}

test('counts calls and those that say something against the provider', async () => {
  const { reports, stored, told, call } = rig()
  for (const outcome of ['ok', 'not_found', 'unavailable', 'throttled'] as const) call(outcome)
  await reports.report()
  expect(stored).toEqual([
    [
      {
        provider: 'aeroapi',
        breaker: 'closed',
        openConnections: 3,
        calls: 4,
        failures: 2,
        hasAnswer: true,
      },
    ],
  ])
  expect(told).toHaveLength(4)
})

test('does not count calls that our own budget refused or that we gave up', async () => {
  const { reports, stored, call } = rig()
  call('quota')
  call('aborted')
  await reports.report()
  expect(stored[0]).toMatchObject([{ calls: 0, failures: 0, hasAnswer: false }])
})

test('counts every call once', async () => {
  const { reports, stored, call } = rig()
  call('ok')
  await reports.report()
  await reports[Symbol.asyncDispose]()
  expect(stored.map(([page]) => page?.calls)).toEqual([1, 0])
})

test('adds what could not be stored to the next report', async () => {
  const { reports, stored, switches, call } = rig()
  call('malformed')
  switches.isStoreAway = true
  await reports.report()
  call('ok')
  switches.isStoreAway = false
  await reports.report()
  expect(stored).toEqual([
    [
      {
        provider: 'aeroapi',
        breaker: 'closed',
        openConnections: 3,
        calls: 2,
        failures: 1,
        hasAnswer: true,
      },
    ],
  ])
})
