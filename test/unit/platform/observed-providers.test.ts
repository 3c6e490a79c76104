import { describe, expect, it } from 'vitest'

import type {
  FlightDataProvider,
  LegReference,
  ProviderResult,
} from '../../../domain/ports/flight-data-provider.ts'
import type {
  ListedPaymentProvider,
  TransferRequest,
} from '../../../domain/ports/payment-provider.ts'
import { instantFromMs } from '../../../domain/time.ts'
import { createEvents } from '../../../platform/events.ts'
import { createLogger } from '../../../platform/logger.ts'
import { createMetrics } from '../../../platform/metrics.ts'
import { observeFlightData, observePayments } from '../../../platform/observed-providers.ts'

const LEG = {} as LegReference
const TRANSFER = {} as TransferRequest

function observer() {
  const metrics = createMetrics()
  const events = createEvents({ metrics, logger: createLogger({ level: 'silent' }) })
  return { events, page: () => metrics.registry.metrics() }
}

function flights(answer: () => Promise<ProviderResult<never[]>>): FlightDataProvider {
  return { id: 'aeroapi', findScheduled: answer, getStatus: answer }
}

const ANSWERED: ProviderResult<never[]> = {
  ok: true,
  value: [],
  httpStatus: 200,
  payloadSha256: '',
  units: 1,
}
const THROTTLED = {
  ok: false,
  kind: 'THROTTLED',
  message: '',
  isRetryable: true,
  httpStatus: 429,
} as const

describe('a request to an outside service', () => {
  it('is counted by how it was answered, and the answer is passed on', async () => {
    const { events, page } = observer()
    expect(
      await observeFlightData(
        flights(async () => ANSWERED),
        events,
      ).getStatus(LEG),
    ).toBe(ANSWERED)
    await observeFlightData(
      flights(async () => THROTTLED),
      events,
    ).getStatus(LEG)
    const text = await page()
    const calls = 'groundstop_provider_calls_total{provider="aeroapi",operation="get_status"'
    expect(text).toContain(`${calls},outcome="ok"} 1`)
    expect(text).toContain(`${calls},outcome="throttled"} 1`)
    expect(text).toContain(
      'groundstop_provider_call_duration_seconds_count{provider="aeroapi",operation="get_status"} 2',
    )
  })

  it('that was given up is counted, and its error is passed on', async () => {
    const { events, page } = observer()
    const provider = observeFlightData(
      flights(() => Promise.reject(new Error('aborted'))),
      events,
    )
    await expect(provider.getStatus(LEG)).rejects.toThrow('aborted')
    expect(await page()).toContain('outcome="aborted"} 1')
  })

  it('that moves money is counted as accepted, rejected or unknown', async () => {
    const { events, page } = observer()
    const outcomes = ['rejected', 'unknown'] as const
    for (const kind of outcomes) {
      const provider: ListedPaymentProvider = {
        id: 'stripe',
        createTransfer: async () => ({ kind, code: 'x', message: '' }),
        findByGroup: async () => [],
        findOnBalance: async () => [],
        findById: async () => null,
        listSince: async () => ({ transfers: [], next: null }),
      }
      await observePayments(provider, events).createTransfer(TRANSFER)
      await observePayments(provider, events).findByGroup(TRANSFER)
      await observePayments(provider, events).listSince(instantFromMs(0), null)
    }
    const text = await page()
    for (const kind of outcomes) {
      expect(text).toContain(`operation="create_transfer",outcome="${kind}"} 1`)
    }
    expect(text).toContain('operation="find_by_group",outcome="ok"} 2')
    expect(text).toContain('operation="list_since",outcome="ok"} 2')
  })
})
