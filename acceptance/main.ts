/**
 * `npm run accept`: long runs through everything that `npm start` boots, judged by the independent oracle.
 * One report a run; exit code 1 when a bound does not hold, 2 for a wrong command line.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'

import { createShutdown } from '../platform/shutdown.ts'
import { AcceptanceUsageError, parseOptions, USAGE, type AcceptanceOptions } from './options.ts'
import { reportPage, summaryLine } from './report.ts'
import { runAcceptance, type RunFigures } from './run.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

async function main(args: readonly string[]): Promise<void> {
  using shutdown = createShutdown()
  try {
    const options = parseOptions(args)
    let isHeld = true
    for (const profile of options.profiles) {
      const figures = await runAcceptance({ ...options.plan, profile }, say, shutdown.signal)
      say(summaryLine(figures))
      await writeReport(options, figures)
      isHeld &&= figures.broken.length === 0
    }
    process.exitCode = isHeld ? 0 : EXIT_FAILED
  } catch (error) {
    if (!(error instanceof AcceptanceUsageError)) throw error
    say(`${error.message}\n\n${USAGE}`)
    process.exitCode = EXIT_USAGE
  }
}

async function writeReport(options: AcceptanceOptions, figures: RunFigures): Promise<void> {
  if (options.outFolder === null) return
  const { plan } = figures
  await mkdir(options.outFolder, { recursive: true })
  const file = join(options.outFolder, `${plan.from}-${plan.days}d-${plan.profile.name}.md`)
  const page = reportPage(figures, {
    command: commandOf(figures),
    madeAt: new Date(),
    loadAverage: loadavg()[1] ?? 0,
  })
  await writeFile(file, page)
}

/** The command that makes this one run again. */
function commandOf({ plan }: RunFigures): string {
  const words = ['npm run accept --', `--from ${plan.from}`, `--days ${plan.days}`]
  words.push(`--faults ${plan.profile.name}`, `--product ${plan.products.join(',')}`)
  words.push(`--policies-per-leg ${plan.policiesPerLeg}`, `--share ${plan.share}`)
  words.push(`--min ${plan.minStepMs / 60_000}`, `--seed ${plan.seed}`)
  return words.join(' ')
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

await main(process.argv.slice(2))
