/**
 * The order in which test files start: those that take long first, so that none of them runs alone at the
 * end; then those of services, which wait for them; then `unit`, short ones that fill what time is left.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files of 15 seconds and more on two quiet cores. Those that compute stand between those that wait,
 * so that no two of them boot whole installations at once for long.
 */
export const LONG_FILES: readonly string[] = [
  'test/chaos/schedules-watched.test.ts', // waits
  'test/api/scheduler-state.test.ts', // waits
  'test/e2e/mixed-faults.test.ts',
  'test/api/doors.test.ts', // waits
  'test/chaos/parts-away.test.ts', // waits
  'test/workflows/outbox-and-run-projection.test.ts', // waits
  'test/e2e/storm-day.test.ts',
  'test/workflows/killed-jobs.test.ts', // waits
  'test/workflows/job-places.test.ts', // waits
  'test/workflows/turns.test.ts', // waits
  'test/workflows/payout.test.ts', // waits
  'test/adapters/foreign-servers.test.ts', // waits
  'test/e2e/start.test.ts',
  'test/adapters/rail-faults.test.ts',
  'test/workflows/cleanup.test.ts', // waits
  'test/chaos/worker-killed.test.ts',
  'test/workflows/provider-health-check.test.ts', // waits
  'test/workflows/notification.test.ts', // waits
  'test/api/cli-fuzz.test.ts',
  'test/unit/backtest.test.ts',
  'test/api/run-projection.test.ts', // waits
  'test/tooling/new-job.test.ts',
]

const SHORT_ONES_LAST = ['system', 'services', 'unit']

/** Vitest's own order within each step: what took longest last time, else the larger file. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    // A sort keeps the order of equals.
    return sorted.toSorted((a, b) => this.stepOf(a) - this.stepOf(b))
  }

  private stepOf({ moduleId, project }: TestSpecification): number {
    const long = LONG_FILES.indexOf(relative(this.ctx.config.root, moduleId))
    return long >= 0 ? long : LONG_FILES.length + SHORT_ONES_LAST.indexOf(project.name)
  }
}
