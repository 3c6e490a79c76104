/** The order of steps of `report`: the month, then one report after the other. */
import { ApplicationFailure } from '@temporalio/common'
import {
  ActivityFailure,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  sleep,
} from '@temporalio/workflow'

import type { ReportActivities } from '../activities/report.ts'
import { NAMED_REPORTS } from '../domain/reports/reports.ts'
import type { ReportInput, ReportResult } from '../jobs/report.ts'
import { settlingWaitMs } from './shared/settling.ts'
import { LONG_STEP, SHORT_STEP } from './shared/steps.ts'

const { planReports } = proxyActivities<ReportActivities>(SHORT_STEP)
const { writeReport } = proxyActivities<ReportActivities>(LONG_STEP)

/** Returns what was written. Fails when a report failed, after all others were written. */
export async function report(input: ReportInput): Promise<ReportResult> {
  const plan = await planReports(input.period === undefined ? {} : { period: input.period })
  if (plan.settlesInMs !== null) await sleep(settlingWaitMs(plan.settlesInMs))
  const { period } = plan
  const reports: ReportResult['reports'] = []
  const failures: string[] = []
  for (const name of input.what ?? NAMED_REPORTS) {
    try {
      reports.push(await writeReport({ report: name, period }))
    } catch (error) {
      if (isCancellation(error)) throw error
      failures.push(`${name}: ${reasonOf(error)}`)
    }
    setCurrentDetails(
      [...reports.map(describe), ...failures.map((why) => `- **${why}**`)].join('\n'),
    )
  }
  if (failures.length > 0) throw reportsFailed(failures)
  return { period, reports }
}

function describe({ report: name, period, files, bytes }: ReportResult['reports'][number]): string {
  return `- ${name} ${period}: ${files} files, ${bytes} bytes`
}

function reasonOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

function reportsFailed(failures: readonly string[]): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the rest was written, but not ${failures.join('; ')}`,
    type: 'ReportsFailed',
    nonRetryable: true,
  })
}
