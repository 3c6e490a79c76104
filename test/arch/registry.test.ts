/**
 * Each job has its workflow, activities, test, histories and runbook, and none of these is left
 * without a job. A failure names the path that is missing or left over.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'
import { describe, expect, test } from 'vitest'

import { LIMITED_JOBS } from '../../domain/job-limits.ts'
import { checkInput } from '../../jobs/input.ts'
import { allJobs, findJob, findJobOfWorkflow } from '../../jobs/registry.ts'
import { jobsDocument } from '../../scripts/generate-jobs-doc.ts'
import { ROOT } from '../support/repository.ts'

const names = allJobs().map((job) => job.name)

const pascal = (name: string): string =>
  name.replaceAll(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase())

/** Files of a folder by their name without ending; files named in `others` belong to no job. */
function filesOf(folder: string, ending: string, others: readonly string[] = []): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => entry.name.slice(0, -ending.length))
    .filter((name) => !others.includes(name))
}

/** Where each part of a job lies, and which files beside it belong to no job. */
const PARTS = [
  {
    folder: 'jobs',
    ending: '.ts',
    others: [
      'define-job',
      'input',
      'job-environments',
      'pack',
      'pack-check',
      'periods',
      'registry',
      'run-identity',
    ],
  },
  { folder: 'workflows', ending: '.ts', others: ['failure-converter', 'index', 'unknown-job'] },
  {
    folder: 'activities',
    ending: '.ts',
    others: ['dependencies', 'errors', 'heartbeats', 'job-places', 'privacy-cleanup', 'turns'],
  },
  {
    folder: 'test/workflows',
    ending: '.test.ts',
    others: [
      'correlation',
      'dependencies',
      'encrypted-payloads',
      'held-payouts',
      'job-places',
      'killed-jobs',
      'schedules',
      'startup-runs',
      'turns',
      'validate-input',
      'wall-spec',
    ],
  },
  { folder: 'docs/runbooks', ending: '.md', others: [] },
] as const

describe('every job has its parts', () => {
  for (const { folder, ending } of PARTS) {
    test.each(names)(`${folder}/%s${ending}`, (name) => {
      const path = `${folder}/${name}${ending}`
      expect(existsSync(join(ROOT, path)), `missing: ${path}`).toBe(true)
    })
  }

  test.each(allJobs())('$name exports its workflow and activities under its name', (job) => {
    const index = readFileSync(join(ROOT, 'workflows/index.ts'), 'utf8')
    expect(index).toContain(`export { ${job.workflow} } from './${job.name}.ts'`)
    const activities = readFileSync(join(ROOT, `activities/${job.name}.ts`), 'utf8')
    expect(activities).toContain(`export function create${pascal(job.name)}Activities(`)
  })

  test.each(allJobs())('$name has a recording of each of its histories', (job) => {
    const recorded = filesOf('test/replay/histories', '.json')
    for (const history of job.histories) {
      const prefix = `${job.name}.${history}.`
      const isRecorded = recorded.some((name) => name.startsWith(prefix))
      expect(isRecorded, `missing: test/replay/histories/${prefix}<yyyy-mm>.json`).toBe(true)
    }
  })
})

describe('nothing is left without a job', () => {
  for (const { folder, ending, others } of PARTS) {
    test(`in ${folder}`, () => {
      const left = filesOf(folder, ending, others).filter((name) => !names.includes(name))
      expect(left.map((name) => `${folder}/${name}${ending}`)).toEqual([])
    })
  }

  test('in test/replay/histories', () => {
    const expected = allJobs().flatMap((job) => job.histories.map((one) => `${job.name}.${one}.`))
    const left = filesOf('test/replay/histories', '.json').filter(
      (name) => !expected.some((prefix) => name.startsWith(prefix)),
    )
    expect(left).toEqual([])
  })
})

describe('declarations', () => {
  test('names, types and workflows are unique', () => {
    for (const of of ['name', 'type', 'workflow'] as const) {
      const all = allJobs().map((job) => job[of])
      expect(new Set(all).size).toBe(all.length)
    }
  })

  test.each(allJobs())('$name is found by name, type and workflow', (job) => {
    expect(findJob(job.name)).toBe(job)
    expect(findJob(job.type)).toBe(job)
    expect(findJobOfWorkflow(job.workflow)).toBe(job)
  })

  test.each(allJobs())('$name takes an object and refuses fields that it does not know', (job) => {
    for (const schema of [job.input, job.result]) {
      const { type, additionalProperties } = z.toJSONSchema(schema)
      expect({ type, additionalProperties }).toEqual({
        type: 'object',
        additionalProperties: false,
      })
    }
    expect(checkInput(job, { noSuchField: 1 })).toMatchObject({ ok: false })
  })

  test.each(allJobs())('$name runs after jobs that exist', (job) => {
    for (const earlier of job.after ?? []) expect(names).toContain(earlier)
  })

  test('jobs that come after others wait for jobs that recur, and never for each other', () => {
    const order = allJobs().filter((job) => job.after !== undefined)
    expect(order.length).toBeGreaterThan(0)
    for (const job of order) {
      expect(job.schedule, `${job.name} does not recur`).toBeDefined()
      const earlier = new Set(job.after)
      for (const name of earlier) {
        const other = findJob(name)
        expect(other?.schedule, `${name} does not recur`).toBeDefined()
        for (const one of other?.after ?? []) earlier.add(one)
      }
      expect([...earlier], `${job.name} would wait for itself`).not.toContain(job.name)
    }
  })

  test.each(allJobs())('the scheduled input of $name is valid', (job) => {
    if (job.schedule !== undefined) {
      expect(checkInput(job, job.schedule.input)).toMatchObject({ ok: true })
    }
  })
})

test('docs/jobs.md says what the registry says', async () => {
  expect(readFileSync(join(ROOT, 'docs/jobs.md'), 'utf8')).toBe(await jobsDocument())
})

test('the jobs whose limits people may set are those that declare limits', () => {
  const limited = allJobs().filter(({ limits }) => limits !== undefined)
  expect([...LIMITED_JOBS].toSorted()).toEqual(limited.map(({ name }) => name).toSorted())
})
