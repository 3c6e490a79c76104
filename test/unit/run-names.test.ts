/** What the server keeps readable of a run: ids, types, search attributes. None of it may be personal. */
import fc from 'fast-check'
import { z } from 'zod'
import { describe, expect, test } from 'vitest'

import { JOB_PRIORITIES } from '../../jobs/define-job.ts'
import { checkInput } from '../../jobs/input.ts'
import { allJobs, type AnyJob } from '../../jobs/registry.ts'
import { JOB_TRIGGERS, RUN_SEARCH_ATTRIBUTES, workflowIdOf } from '../../jobs/run-identity.ts'
import { runSearchAttributes } from '../../platform/temporal/search-attributes.ts'
import { desiredSchedule } from '../../platform/temporal/schedule-spec.ts'
import { wanted, type JsonSchema } from '../support/schema-arbitrary.ts'

/** Keys of the business and words of closed sets: no blank, no `@`, nothing beyond ASCII. */
const PLAIN_ID = /^[a-z-]+:[\x21-\x3f\x41-\x7e]{1,400}$/

/** What somebody might write into any text. */
const PERSONAL = ['Ada Lovelace', 'ada@example.com', 'Ödön', 'DE89 3704 0044 0532 0130 00']

const jobs = allJobs().map((job) => [job.name, job] as const)

function inputsOf(job: AnyJob): Record<string, unknown>[] {
  const schema = z.toJSONSchema(job.input, { io: 'input', unrepresentable: 'any' }) as JsonSchema
  const samples = fc.sample(wanted(schema, ['P-1']), { numRuns: 200, seed: 7 })
  const planted = samples.flatMap((sample) => PERSONAL.map((text) => plant(sample, text)))
  return [...samples, ...planted].flatMap((input) => {
    const check = checkInput(job, input)
    return check.ok ? [check.input] : []
  })
}

/** The input with every text replaced. */
function plant(value: unknown, text: string): unknown {
  if (typeof value === 'string') return text
  if (Array.isArray(value)) return value.map((one) => plant(one, text))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plant(one, text)]))
}

describe('ids of runs are made of business keys alone', () => {
  test.each(jobs)('%s', (_name, job) => {
    const ids = new Set(inputsOf(job).map((input) => workflowIdOf(job, input)))
    expect(ids.size).toBeGreaterThan(0)
    expect([...ids].filter((id) => !PLAIN_ID.test(id))).toEqual([])
  })
})

describe('search attributes come from closed sets', () => {
  test.each(jobs)('%s', (_name, job) => {
    const closed: readonly string[] = [job.type, ...JOB_TRIGGERS, ...JOB_PRIORITIES]
    for (const trigger of JOB_TRIGGERS) {
      const pairs = runSearchAttributes(job, trigger, job.priority)
      expect(pairs.map(({ key }) => key.name)).toEqual(['JobType', 'JobTrigger', 'JobPriority'])
      expect(pairs.filter(({ value }) => !closed.includes(String(value)))).toEqual([])
    }
  })

  test('and there are no others', () => {
    expect(Object.keys(RUN_SEARCH_ATTRIBUTES)).toEqual([
      'JobType',
      'JobTrigger',
      'JobPriority',
      'JobState',
    ])
  })
})

test('a schedule starts without a note, and its readable memo is what the registry says', () => {
  for (const [name, job] of jobs) {
    const { options } = desiredSchedule(job, { speed: 1, year: 2026 }) ?? {}
    if (options === undefined) continue
    expect(options.state?.note, name).toBeUndefined()
    expect(Object.keys(options.memo ?? {}), name).toEqual([
      'managedBy',
      'owner',
      'summary',
      'runbook',
    ])
  }
})
