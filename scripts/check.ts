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

/** What people call it, and the npm script that must end with exit code 0. */
export type Check = { name: string; script: string }

/** All checks, the slowest first. The architecture tests are left to vitest when it runs anyway. */
export const CHECKS: readonly Check[] = [
  { name: 'architecture', script: 'test:arch' },
  { name: 'types', script: 'typecheck' },
  { name: 'imports', script: 'imports' },
  { name: 'dead code', script: 'deadcode' },
  { name: 'lint', script: 'lint' },
  { name: 'format', script: 'format:check' },
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
    console.log(`\n${styleText('bold', check.name)} (npm run ${check.script})\n${output.trim()}`)
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
    const args = ['run', '--silent', check.script]
    const child = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
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
