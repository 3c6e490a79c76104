import { describe, expect, test } from 'vitest'

import { unscheduledLines } from '../../cli/commands/schedules.ts'
import { runningEnvironment } from '../../cli/run-file.ts'
import { loadConfig } from '../../config/config.ts'
import {
  ALL_SCHEDULED,
  DEFAULT_TERMS,
  isScheduled,
  isStartable,
  whyNotScheduled,
} from '../../jobs/job-environments.ts'
import { findJob, JOBS, type AnyJob } from '../../jobs/registry.ts'
import { scheduledRunOptions } from '../../platform/temporal/job-starter.ts'
import { desiredSchedules } from '../../platform/temporal/schedules-plan.ts'
import { schedulerTermsOf } from '../../platform/scheduler-terms.ts'
import { workerTuning } from '../../workers/tuning.ts'

const termsOf = (env: Record<string, string>) => schedulerTermsOf(loadConfig(env).config)

function scheduledIn(env: Record<string, string>): string[] {
  return [...desiredSchedules({ speed: 1, terms: termsOf(env) }).keys()]
}

const recurring = Object.values(JOBS)
  .filter(({ schedule }) => schedule !== undefined)
  .map(({ name }) => name)

describe('scheduled', () => {
  test('are all jobs with a schedule in production', () => {
    expect(scheduledIn({ GROUNDSTOP_ENV: 'production' })).toEqual(recurring)
  })

  test('are none in production when SCHEDULER_ENABLED is false', () => {
    expect(scheduledIn({ GROUNDSTOP_ENV: 'production', SCHEDULER_ENABLED: 'false' })).toEqual([])
  })

  test('are in staging all but those that spend paid calls or write reports for nobody', () => {
    const scheduled = scheduledIn({ GROUNDSTOP_ENV: 'staging' })
    expect(recurring.filter((name) => !scheduled.includes(name))).toEqual([
      'cache-refresh',
      'weekly-trends',
      'executive-summary',
      'report',
    ])
  })

  test('is in development only what lists live off, until it is asked for', () => {
    expect(scheduledIn({})).toEqual(['outbox-and-run-projection'])
  })

  test('are all jobs in development when SCHEDULER_ENABLED is true', () => {
    expect(scheduledIn({ SCHEDULER_ENABLED: 'true' })).toEqual(recurring)
  })

  test('are only the jobs that SCHEDULER_JOBS names, by name or type', () => {
    const named = { SCHEDULER_JOBS: 'flight-monitor, CACHE_REFRESH' }
    for (const GROUNDSTOP_ENV of ['development', 'staging', 'production']) {
      expect(scheduledIn({ GROUNDSTOP_ENV, ...named })).toEqual(['flight-monitor', 'cache-refresh'])
    }
  })

  test('are all jobs of an instance that was started here, also for commands beside it', () => {
    const scheduler = { isEnabled: true, jobs: null }
    const run = { ...RUN, scheduler }
    expect(scheduledIn(runningEnvironment(run))).toEqual(recurring)
  })
})

const RUN = {
  pid: 1,
  startTime: null,
  databaseUrl: 'postgres://localhost/x',
  temporalAddress: '127.0.0.1:7233',
  temporalNamespace: 'default',
  temporalUiUrl: null,
  apiUrl: 'http://127.0.0.1:3000',
  metricsUrl: 'http://127.0.0.1:9090',
  flightsUrl: 'http://127.0.0.1:4010',
  paymentsUrl: 'http://127.0.0.1:4020',
  mail: null,
  aeroapiKey: 'key',
  stripeApiKey: 'key',
  payloadKeysFile: null,
}

test('SCHEDULER_JOBS names every job that is none, at once', () => {
  const wrong = { SCHEDULER_JOBS: 'flight-monitor,flight-monitr,payout' }
  expect(() => termsOf(wrong)).toThrow(/2 problems:.*flight-monitr.*payout/s)
})

test('the plan says of each job that is not scheduled why', () => {
  expect(unscheduledLines(termsOf({ GROUNDSTOP_ENV: 'production' }))).toEqual([])
  expect(unscheduledLines(termsOf({ GROUNDSTOP_ENV: 'staging' }))).toContain(
    '  report: not scheduled: started by hand only in staging',
  )
})

describe('a job that is', () => {
  const everywhere = (presence: 'by-hand' | 'off') => ({
    ...JOBS.cleanup,
    environments: { development: presence, staging: presence, production: presence },
  })
  const production = { ...ALL_SCHEDULED, environment: 'production' } as const

  test('by hand is not scheduled and may be started', () => {
    expect(isScheduled(everywhere('by-hand'), production)).toBe(false)
    expect(isStartable(everywhere('by-hand'), 'production')).toBe(true)
  })

  test('off is neither, also when it is named', () => {
    expect(isScheduled(everywhere('off'), { ...production, only: ['cleanup'] })).toBe(false)
    expect(whyNotScheduled(everywhere('off'), production)).toBe('off in production')
    expect(isStartable(everywhere('off'), 'production')).toBe(false)
  })
})

describe('steps at once', () => {
  const atOnce = (queue: 'payouts' | 'maintenance' | 'notifications', env = {}) =>
    workerTuning(queue, loadConfig(env).config).maxConcurrentActivityTaskExecutions

  test('are those of the environment', () => {
    expect([atOnce('payouts'), atOnce('maintenance'), atOnce('notifications')]).toEqual([10, 1, 5])
    const production = { GROUNDSTOP_ENV: 'production' }
    expect(atOnce('maintenance', production)).toBe(2)
    expect(atOnce('notifications', production)).toBe(10)
  })

  test('of monitoring and payouts are MAX_CONCURRENT_JOBS, and no others', () => {
    const env = { MAX_CONCURRENT_JOBS: '25' }
    expect([atOnce('payouts', env), atOnce('maintenance', env)]).toEqual([25, 1])
  })

  test('of the other queues are TASK_EXECUTOR_CONCURRENCY', () => {
    const env = { TASK_EXECUTOR_CONCURRENCY: '3' }
    expect([atOnce('payouts', env), atOnce('maintenance', env)]).toEqual([10, 3])
  })

  test.each(['0', '201', 'many'])('may not be %s', (MAX_CONCURRENT_JOBS) => {
    const both = { MAX_CONCURRENT_JOBS, TASK_EXECUTOR_CONCURRENCY: MAX_CONCURRENT_JOBS }
    expect(() => loadConfig(both)).toThrow(/2 problems/)
  })
})

describe('attempts', () => {
  const attempts = (job: AnyJob, environment: 'development' | 'production') =>
    scheduledRunOptions(job, { priority: 'LOW', terms: { ...DEFAULT_TERMS, environment } }).retry
      ?.maximumAttempts

  test.each([
    ['maintenance', 3, 5],
    ['report', 3, 5],
  ])('of %s are %i in development and %i in production', (name, few, many) => {
    const job = findJob(name)
    if (job === undefined) throw new Error('no such job')
    expect([attempts(job, 'development'), attempts(job, 'production')]).toEqual([few, many])
  })

  test('of a job that says so itself are the same everywhere', () => {
    const job = findJob('flight-monitor')
    if (job === undefined) throw new Error('no such job')
    expect([attempts(job, 'development'), attempts(job, 'production')]).toEqual([3, 3])
  })

  test('of a schedule are those of the environment that it is made for', () => {
    const retries = (environment: 'development' | 'production') =>
      desiredSchedules({ speed: 1, terms: { ...ALL_SCHEDULED, environment } }).get('report')
        ?.specHash
    expect(retries('production')).not.toBe(retries('development'))
  })
})

describe('a job that names no attempts and no time', () => {
  const jobOf = (name: string): AnyJob => {
    const job = findJob(name)
    if (job === undefined) throw new Error('no such job')
    return job
  }
  const { retry: _retry, timeoutMs: _timeout, ...job } = jobOf('cleanup')
  const runOf = (one: AnyJob, env: Readonly<Record<string, string>> = {}) => {
    const { config } = loadConfig(env)
    const options = scheduledRunOptions(one, { priority: 'LOW', terms: config.jobTerms })
    return [options.retry?.maximumAttempts ?? 1, options.workflowRunTimeout]
  }

  test('has 3 attempts of at most 10 minutes', () => {
    expect(runOf(job)).toEqual([3, 600_000])
  })

  test.each([
    [{ DEFAULT_RETRIES: '0', JOB_TIMEOUT: '1 second' }, [1, 1_000]],
    [{ DEFAULT_RETRIES: '99', JOB_TIMEOUT: '24 hours' }, [100, 86_400_000]],
    [{ DEFAULT_RETRIES: '4', JOB_TIMEOUT: '90000' }, [5, 90_000]],
  ])('has what DEFAULT_RETRIES and JOB_TIMEOUT say: %o', (env, expected) => {
    expect(runOf(job, env)).toEqual(expected)
  })

  test('and one that names them keeps its own', () => {
    const env = { DEFAULT_RETRIES: '9', JOB_TIMEOUT: '1 hour' }
    expect(runOf(jobOf('cleanup'), env)).toEqual([1, 1_800_000])
  })

  test('and one that may stay open stays open', () => {
    expect(runOf(jobOf('payout'), { JOB_TIMEOUT: '1 hour' })).toEqual([1, undefined])
  })

  test('has them in its schedule too, which is applied again when they change', () => {
    const hashOf = (env: Readonly<Record<string, string>>) => {
      const terms = { ...schedulerTermsOf(loadConfig(env).config), isEnabled: true }
      return desiredSchedules({ speed: 1, terms, jobs: [job] }).get('cleanup')?.specHash
    }
    expect(hashOf({ DEFAULT_RETRIES: '2' })).toBe(hashOf({}))
    expect(hashOf({ DEFAULT_RETRIES: '3' })).not.toBe(hashOf({}))
    expect(hashOf({ JOB_TIMEOUT: '11 minutes' })).not.toBe(hashOf({}))
  })

  test.each([
    ['-1', '0 seconds'],
    ['100', '1500 ms'],
    ['1.5', '24.5 hours'],
    ['many', '25 hours'],
  ])('may not have DEFAULT_RETRIES %s or JOB_TIMEOUT %s', (DEFAULT_RETRIES, JOB_TIMEOUT) => {
    expect(() => loadConfig({ DEFAULT_RETRIES, JOB_TIMEOUT })).toThrow(/2 problems/)
  })
})
