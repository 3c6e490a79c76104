/**
 * `npm run accept`: long runs through everything that `npm start` boots, judged by the independent oracle.
 * One report a run; exit code 1 when a bound does not hold, 2 for a wrong command line.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join, relative } from 'node:path'

import { createShutdown } from '../platform/shutdown.ts'
import {
  AcceptanceUsageError,
  parseOptions,
  SHIPPED_PACK,
  USAGE,
  type AcceptanceOptions,
} from './options.ts'
import { reportPage, summaryLine } from './report.ts'
import { runAcceptance, type RunFigures } from './run.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

async function main(args: readonly string[]): Promise<void> {
  using shutdown = createShutdown()
  try {
    const options = parseOptions(args)
    const runs: RunFigures[] = []
    for (const profile of options.profiles) {
      const figures = await runAcceptance({ ...options.plan, profile }, say, shutdown.signal)
      say(summaryLine(figures))
      runs.push(figures)
      // After each run: hours of them are not lost with the last one.
      await writeReport(options, runs)
    }
    process.exitCode = runs.every(({ broken }) => broken.length === 0) ? 0 : EXIT_FAILED
  } catch (error) {
    if (!(error instanceof AcceptanceUsageError)) throw error
    say(`${error.message}\n\n${USAGE}`)
    process.exitCode = EXIT_USAGE
  }
}

async function writeReport(options: AcceptanceOptions, runs: readonly RunFigures[]): Promise<void> {
  const { outFolder, plan, profiles } = options
  if (outFolder === null) return
  await mkdir(outFolder, { recursive: true })
  const [only, ...others] = profiles
  const what = only !== undefined && others.length === 0 ? only.name : 'faults'
  const page = reportPage(runs, {
    command: commandOf(options),
    madeAt: new Date(),
    loadAverage: loadavg()[1] ?? 0,
  })
  await writeFile(join(outFolder, `${plan.from}-${plan.days}d-${what}.md`), page)
}

/** The command that makes these runs again. */
function commandOf({ plan, profiles }: AcceptanceOptions): string {
  const words = ['npm run accept --', `--from ${plan.from}`, `--days ${plan.days}`]
  words.push(`--faults ${profiles.map(({ name }) => name).join(',')}`)
  if (plan.flights !== SHIPPED_PACK) words.push(`--flights ${relative('.', plan.flights)}`)
  words.push(`--product ${plan.products.join(',')}`)
  words.push(
    `--policies-per-leg ${plan.policiesPerLeg}`,
    `--share ${plan.share}`,
    `--sources ${plan.sources}`,
  )
  words.push(`--min ${plan.minStepMs / 60_000}`, `--seed ${plan.seed}`)
  return words.join(' ')
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main(process.argv.slice(2))
