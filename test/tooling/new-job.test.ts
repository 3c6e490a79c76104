import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { namesOf, ScaffoldError, scaffoldJob } from '../../scripts/new-job.ts'
import { ROOT, runTool } from '../support/repository.ts'

/** What the new files touch, directly or through their imports. */
const COPIED = [
  ...[
    'acceptance',
    'activities',
    'adapters',
    'api',
    'cli',
    'client',
    'config',
    'data',
    'db',
    'docs',
    'domain',
    'jobs',
  ],
  ...[
    'operations',
    'platform',
    'scripts',
    'simulator',
    'test/broken-rules',
    'test/support',
    'workers',
    'workflows',
  ],
  ...['package.json', 'tsconfig.json', '.oxfmtrc.json'],
]

const COMPILE_MS = 120_000

let copy = ''

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'groundstop-new-job-'))
  for (const path of COPIED) cpSync(join(ROOT, path), join(copy, path), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
})

afterAll(() => {
  rmSync(copy, { recursive: true, force: true })
})

function read(path: string): string {
  return readFileSync(join(copy, path), 'utf8')
}

describe('a new job', () => {
  let written: string[] = []

  beforeAll(() => {
    written = scaffoldJob(copy, namesOf('stale-holds', 'reports'))
  })

  test('is four files, a runbook and the lines that make it known', () => {
    expect(written).toEqual([
      'jobs/stale-holds.ts',
      'activities/stale-holds.ts',
      'workflows/stale-holds.ts',
      'test/workflows/stale-holds.test.ts',
      'docs/runbooks/stale-holds.md',
      'jobs/registry.ts',
      'workflows/index.ts',
      'workers/services.ts',
      'test/support/history-cases.ts',
    ])
    expect(read('jobs/registry.ts')).toContain("'stale-holds': staleHolds,")
    expect(read('workflows/index.ts')).toContain("export { staleHolds } from './stale-holds.ts'")
    expect(read('workers/services.ts')).toContain("'stale-holds': createStaleHoldsActivities(),")
  })

  test('compiles as it is', { timeout: COMPILE_MS }, async () => {
    const { exitCode, stdout } = await runTool('typescript/bin/tsc', ['--noEmit', '-p', '.'], copy)
    expect(stdout).toBe('')
    expect(exitCode).toBe(0)
  })

  test('is formatted as the rest', async () => {
    const args = ['--check', ...written]
    const { exitCode, stdout } = await runTool('oxfmt/bin/oxfmt', args, copy)
    expect(exitCode, stdout).toBe(0)
  })

  test('is refused when it is there already, with nothing written', () => {
    const before = read('jobs/registry.ts')
    expect(() => scaffoldJob(copy, namesOf('stale-holds', 'reports'))).toThrow(ScaffoldError)
    expect(read('jobs/registry.ts')).toBe(before)
  })

  test.each(['StaleHolds', 'stale_holds', '-stale', 'stale--holds', '9lives'])(
    'is refused with the name %s',
    (name) => {
      expect(() => namesOf(name, 'reports')).toThrow("is not a job's name")
    },
  )

  test('is refused on a queue that does not exist', () => {
    expect(() => namesOf('stale-holds', 'express')).toThrow('no queue express')
  })
})
