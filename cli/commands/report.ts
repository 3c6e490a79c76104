/** `groundstop report list|show|run`: figures of ended periods, and reports as files. */
import { Argument, type Command } from 'commander'

import { NAMED_REPORTS } from '../../domain/reports/reports.ts'
import type { CliContext } from '../context.ts'
import { runJob } from '../control/run-job.ts'
import { addReportReads, FIGURES } from '../reads/report-reads.ts'

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const report = program.command('report').description('figures of ended periods, and reports')
  addReportReads(report, context)
  report
    .command('run')
    .description('measure, or write a report, and wait for it')
    .addArgument(new Argument('<name>').choices([...Object.keys(FIGURES), ...NAMED_REPORTS]))
    .option('--period <name>', 'as 2013-02; without, what is missing, or the last month')
    .option('--no-wait', 'do not wait for its end')
    .action(async (name: string, options: { readonly period?: string; readonly wait: boolean }) => {
      const { period, wait } = options
      const isNamed = NAMED_REPORTS.some((one) => one === name)
      const input = {
        ...(isNamed ? { what: [name] } : {}),
        ...(period === undefined ? {} : { period }),
      }
      await runJob(context, isNamed ? 'report' : name, { input, wait })
    })
}
