import { request } from 'node:http'

import { afterEach, describe, expect, it } from 'vitest'

import { createEvents } from '../../../platform/events.ts'
import { createLogger } from '../../../platform/logger.ts'
import { createMetrics, retryLabel, type Metrics } from '../../../platform/metrics.ts'
import {
  hasToken,
  OpenMetricsError,
  serveMetrics,
  type Collector,
  type MetricsServer,
} from '../../../platform/metrics-server.ts'

/** Names, kinds and labels that alerts and dashboards of others rely on. */
const PROMISED = [
  ['task_scheduler_scheduled_jobs_total', 'gauge', ['job_type']],
  ['task_scheduler_jobs_enqueued_total', 'counter', ['job_type', 'priority']],
  ['task_scheduler_jobs_completed_total', 'counter', ['job_type', 'status']],
  ['task_scheduler_jobs_failed_total', 'counter', ['job_type', 'error']],
  ['task_scheduler_jobs_retried_total', 'counter', ['job_type', 'retry_count']],
  ['task_scheduler_job_duration_seconds', 'histogram', ['job_type']],
  ['task_scheduler_queue_size', 'gauge', ['priority']],
  ['task_scheduler_policy_monitoring_errors_total', 'counter', ['error']],
] as const

describe('metrics', () => {
  it.each(PROMISED)('keep %s as a %s with the labels %j', async (name, kind, labels) => {
    const metric = createMetrics().registry.getSingleMetric(name)
    expect(metric).toMatchObject({ labelNames: labels })
    expect((await metric?.get())?.type).toBe(kind)
  })

  it('sort job durations at 1, 5, 10, 30, 60 and 300 s', () => {
    const metric = createMetrics().registry.getSingleMetric('task_scheduler_job_duration_seconds')
    expect(metric).toMatchObject({ upperBounds: [1, 5, 10, 30, 60, 300] })
  })

  it('of two processes in one do not mix', async () => {
    const [one, two] = [createMetrics(), createMetrics()]
    one.coverageIncidents.inc()
    expect((await two.coverageIncidents.get()).values).toMatchObject([{ value: 0 }])
  })

  it('have no label that grows without bound', () => {
    expect([1, 9, 10, 1_000].map(retryLabel)).toEqual(['1', '9', '10+', '10+'])
    const { metrics, events } = eventsWithout()
    events.legPollFailed({ legId: 'leg-1', kind: 'made up at run time' })
    return expect(pageOf(metrics)).resolves.toContain(
      'task_scheduler_policy_monitoring_errors_total{error="other"} 1',
    )
  })
})

describe('events', () => {
  it('write one line and move the metrics that belong to them', async () => {
    const { metrics, events, lines } = eventsWithout()
    events.payoutsSettled({ batchId: 'b-1', count: 2 })
    const page = await pageOf(metrics)
    expect(page).toContain('groundstop_payout_events_total{event="settled"} 2')
    expect(lines).toMatchObject([{ event: 'payouts-settled', data: { batchId: 'b-1', count: 2 } }])
  })

  it('count a page of decisions by outcome', async () => {
    const { metrics, events } = eventsWithout()
    events.policiesDecided({ paid: 3, notPaid: 5, inReview: 0 })
    const page = await pageOf(metrics)
    expect(page).toContain('groundstop_decisions_total{outcome="PAY"} 3')
    expect(page).toContain('groundstop_decisions_total{outcome="NO_PAY"} 5')
  })
})

describe('the metrics server', () => {
  const servers: MetricsServer[] = []
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server[Symbol.asyncDispose]()))
  })

  async function serve(options: { token?: string; collect?: Collector[]; host?: string } = {}) {
    const metrics = createMetrics()
    const server = await serveMetrics({ host: '127.0.0.1', port: 0, metrics, ...options })
    servers.push(server)
    return { metrics, url: `${server.url}/metrics` }
  }

  it('brings gauges up to date before it answers', async () => {
    const collect = async () => metrics.legsInWindow.set(7)
    const { metrics, url } = await serve({ collect: [{ source: 'database', collect }] })
    expect(await (await fetch(url)).text()).toContain('groundstop_legs_in_window 7')
  })

  it('answers without a source that fails, and counts that', async () => {
    const collect = () => Promise.reject(new Error('away'))
    const { url } = await serve({ collect: [{ source: 'database', collect }] })
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(await response.text()).toContain(
      'groundstop_metrics_collect_errors_total{source="database"} 1',
    )
  })

  it('asks for the token when there is one', async () => {
    const { url } = await serve({ token: 'scrape-token-0123' })
    const ask = async (authorization?: string) =>
      (await fetch(url, authorization === undefined ? {} : { headers: { authorization } })).status
    expect(await ask()).toBe(401)
    expect(await ask('Bearer scrape-token-0124')).toBe(401)
    expect(await ask('Bearer scrape-token-0123')).toBe(200)
  })

  it('does not open to others than this machine without a token', async () => {
    await expect(serve({ host: '0.0.0.0' })).rejects.toThrow(OpenMetricsError)
  })

  it('says that its port is taken', async () => {
    const { url } = await serve()
    const port = Number(new URL(url).port)
    const second = serveMetrics({ host: '127.0.0.1', port, metrics: createMetrics() })
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('stops at once even when a scraper keeps its connection', async () => {
    const { url } = await serve()
    const call = request(url, { headers: { connection: 'keep-alive' } })
    call.on('error', () => undefined)
    call.end()
    await new Promise((resolve) => {
      call.on('response', (response) => resolve(response.resume()))
    })
    const [server] = servers.splice(0)
    const startedAtMs = performance.now()
    await server?.[Symbol.asyncDispose]()
    expect(performance.now() - startedAtMs).toBeLessThan(1_000)
  })
})

describe('a bearer token', () => {
  it.each([
    ['Bearer secret-secret-12', true],
    ['bearer secret-secret-12', true],
    ['Bearer secret-secret-1', false],
    ['Bearer secret-secret-123', false],
    ['secret-secret-12', false],
    ['Basic secret-secret-12', false],
    ['Bearer ', false],
    [undefined, false],
  ])('is taken from %j: %s', (header, expected) => {
    expect(hasToken(header, 'secret-secret-12')).toBe(expected)
  })
})

function eventsWithout() {
  const lines: unknown[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const metrics = createMetrics()
  return {
    metrics,
    lines,
    events: createEvents({ metrics, logger: createLogger({ destination }) }),
  }
}

function pageOf(metrics: Metrics): Promise<string> {
  return metrics.registry.metrics()
}
