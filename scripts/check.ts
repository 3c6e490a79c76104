/**
 * Every check that needs no service, side by side, each silent unless it fails: format, lint,
 * types, dead code, import table, architecture tests. `npm run check`; part of `npm test`.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Two cores; the longest first, so that the short ones fill the gaps. */
const PARALLEL_CHECKS = 3

/** A tool that must end with exit code 0, and what to run when it does not. */
export type Check = { name: string; command: readonly string[]; fix: string }

/** All checks, the slowest first. The architecture tests are left to vitest when it runs anyway. */
export const CHECKS: readonly Check[] = [
  {
    name: 'architecture',
    command: ['vitest', 'run', '--project', 'unit', 'test/arch'],
    fix: 'npm run test:arch',
  },
  { name: 'types', command: ['tsc', '--noEmit', '-p', '.'], fix: 'npm run typecheck' },
  {
    name: 'imports',
    command: ['depcruise', '--config', '.dependency-cruiser.mjs', '--output-type', 'err', '.'],
    fix: 'npm run imports',
  },
  { name: 'dead code', command: ['knip', '--no-progress'], fix: 'npm run deadcode' },
  {
    name: 'lint',
    command: ['oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
    fix: 'npm run lint',
  },
  { name: 'format', command: ['oxfmt', '--check'], fix: 'npm run format' },
]

type Outcome = { check: Check; exitCode: number; output: string; durationMs: number }

/** Runs the checks and prints one line each, the output of the failed ones below. Counts them. */
export async function runChecks(
  checks: readonly Check[],
): Promise<{ passed: number; failed: number }> {
  const waiting = [...checks]
  const outcomes: Outcome[] = []
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const outcome = await run(check)
      outcomes.push(outcome)
      console.log(summaryLine(outcome))
    }
  }
  await Promise.all(Array.from({ length: PARALLEL_CHECKS }, work))
  const failures = outcomes.filter((outcome) => outcome.exitCode !== 0)
  for (const { check, output } of failures) {
    console.log(`\n${styleText('bold', check.name)} (${check.fix})\n${output.trim()}`)
  }
  return { passed: outcomes.length - failures.length, failed: failures.length }
}

function summaryLine({ check, exitCode, durationMs }: Outcome): string {
  const mark = exitCode === 0 ? styleText('green', 'ok    ') : styleText('red', 'FAILED')
  return `${mark} ${check.name.padEnd(14)} ${(durationMs / 1000).toFixed(1)} s`
}

function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const [tool = '', ...args] = check.command
    // npm puts node_modules/.bin first on the path, so each tool runs on the project's own Node.
    const child = spawn(tool, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ check, exitCode: code ?? 1, output, durationMs: performance.now() - startedAt })
    })
  })
}

if (import.meta.main) {
  const { failed } = await runChecks(CHECKS)
  process.exitCode = failed === 0 ? 0 : 1
}
