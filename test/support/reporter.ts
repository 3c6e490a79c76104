/**
 * Ends a test run with the slowest tests, those that passed only when tried again, and the line `N passed, N failed`, which continuous
 * integration reads. Printed when the process exits, so that nothing can follow it.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

/** Enough to see what to speed up next, few enough to read. */
const SLOWEST_SHOWN = 10

/** Quicker tests are not worth naming. */
const SLOW_MS = 500

/** Where `npm test` wants the counts, which it adds to those of the checks; unset when run alone. */
const TALLY_FILE_VARIABLE = 'GROUNDSTOP_TEST_TALLY'

/** What a run came to. Errors outside any test, and files that did not load, count as failed. */
export type Tally = { passed: number; failed: number; skipped: number }

/** The closing line of a run: `12 passed, 0 failed`, with skipped tests only if there are any. */
export function closingLine(tally: Tally): string {
  const skipped = tally.skipped === 0 ? '' : `, ${tally.skipped} skipped`
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`
}

/** Counts the tests of a finished run. */
export function tallyOf(
  testModules: readonly TestModule[],
  unhandledErrors: readonly SerializedError[],
): Tally {
  const tests = testModules.flatMap((testModule) => [...testModule.children.allTests()])
  const count = (state: string): number =>
    tests.filter((test) => test.result().state === state).length
  const brokenFiles = testModules.filter(
    (testModule) => testModule.state() === 'failed' && !hasFailedTest(testModule),
  ).length
  return {
    passed: count('passed'),
    failed: count('failed') + count('pending') + brokenFiles + unhandledErrors.length,
    skipped: count('skipped'),
  }
}

function hasFailedTest(testModule: TestModule): boolean {
  return [...testModule.children.allTests()].some((test) => test.result().state === 'failed')
}

function durationMs(test: TestCase): number {
  return test.diagnostic()?.duration ?? 0
}

function slowestLines(testModules: readonly TestModule[]): string[] {
  return testModules
    .flatMap((testModule) => [...testModule.children.allTests()])
    .filter((test) => durationMs(test) >= SLOW_MS)
    .toSorted((a, b) => durationMs(b) - durationMs(a))
    .slice(0, SLOWEST_SHOWN)
    .map((test) => {
      const seconds = (durationMs(test) / 1000).toFixed(1).padStart(6)
      return `${seconds} s  ${test.module.relativeModuleId}  ${test.fullName}`
    })
}

/** Tests that failed and then passed: nobody should have to look for them. */
export function unsteadyLines(testModules: readonly TestModule[]): string[] {
  return testModules
    .flatMap((testModule) => [...testModule.children.allTests()])
    .filter((test) => test.diagnostic()?.flaky === true)
    .map((test) => `  ${test.module.relativeModuleId}  ${test.fullName}`)
}

/** The reporter that vitest loads by path, hence the default export. */
export default class ClosingLineReporter implements Reporter {
  private tally: Tally = { passed: 0, failed: 1, skipped: 0 }

  onInit(): void {
    process.once('exit', () => {
      const tallyFile = process.env[TALLY_FILE_VARIABLE]
      if (tallyFile === undefined) process.stdout.write(`${closingLine(this.tally)}\n`)
      else writeFileSync(tallyFile, JSON.stringify(this.tally))
    })
  }

  onTestRunEnd(
    testModules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
  ): void {
    this.tally = tallyOf(testModules, unhandledErrors)
    const slowest = slowestLines(testModules)
    const unsteady = unsteadyLines(testModules)
    if (unsteady.length > 0) {
      process.stdout.write(
        `\nPassed only when tried again: ${unsteady.length}\n${unsteady.join('\n')}\n`,
      )
    }
    if (slowest.length > 0) process.stdout.write(`\nSlowest tests\n${slowest.join('\n')}\n\n`)
  }
}
