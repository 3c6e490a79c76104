/**
 * Three kinds of tests: `unit` needs nothing, `services` shares one embedded Postgres and one
 * Temporal server per run, `system` boots whole installations, each in a folder of its own.
 */
import { defineConfig } from 'vitest/config'

import LongestFirst from './test/support/longest-first.ts'
import { fastestFolder } from './test/support/memory-folder.ts'

// For this process, those of tests and what they start.
process.env['TMPDIR'] ??= fastestFolder()

/**
 * Two cores are what continuous integration has. Tests of services and of whole installations wait for
 * timers and servers half of their time: two more workers use what they leave, more only add time-outs.
 */
const MAX_WORKERS = 4

/**
 * Whole servers on a busy machine of continuous integration: one that is late once is tried again, and named
 * at the end of the run. Elsewhere every failure counts.
 */
const SECOND_TRIES = process.env['CI'] === 'true' ? 1 : 0

const UNIT = ['test/unit/**/*.test.ts', 'test/arch/**/*.test.ts']
const SYSTEM = ['test/e2e/**/*.test.ts', 'test/chaos/**/*.test.ts']
const EVERYTHING = ['test/**/*.test.ts']

export default defineConfig({
  test: {
    pool: 'forks',
    isolate: true,
    env: { TZ: 'UTC' },
    passWithNoTests: true,
    reporters: ['default', './test/support/reporter.ts'],
    teardownTimeout: 30_000,
    maxWorkers: MAX_WORKERS,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: UNIT,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'services',
          include: EVERYTHING,
          exclude: [...UNIT, ...SYSTEM],
          globalSetup: ['./test/support/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          retry: SECOND_TRIES,
        },
      },
      {
        extends: true,
        test: {
          name: 'system',
          include: SYSTEM,
          testTimeout: 300_000,
          hookTimeout: 180_000,
          retry: SECOND_TRIES,
        },
      },
    ],
  },
})
