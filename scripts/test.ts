/**
 * `npm test`: the checks, then every test, then one closing line `N passed, N failed` that counts
 * both (a check that fails is a failed test). Exits 1 when anything failed.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closingLine, type Tally } from '../test/support/reporter.ts'
import { CHECKS, runChecks } from './check.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A vitest that died before it could count is one failure, never a silent success. */
const NOTHING_COUNTED: Tally = { passed: 0, failed: 1, skipped: 0 }

async function runVitest(args: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), 'groundstop-tally-'))
  const tallyFile = join(folder, 'tally.json')
  try {
    const exitCode = await new Promise<number>((resolve, reject) => {
      const child = spawn('vitest', ['run', ...args], {
        cwd: ROOT,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, GROUNDSTOP_TEST_TALLY: tallyFile },
      })
      child.once('error', reject)
      child.once('close', (code) => resolve(code ?? 1))
    })
    const tally = readTally(tallyFile)
    const isUncounted = exitCode !== 0 && tally.failed === 0
    return isUncounted ? { ...tally, failed: 1 } : tally
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readTally(tallyFile: string): Tally {
  try {
    return JSON.parse(readFileSync(tallyFile, 'utf8')) as Tally
  } catch {
    // The file is missing when vitest was killed or could not start its services.
    return NOTHING_COUNTED
  }
}

const checks = await runChecks(CHECKS.filter((check) => check.name !== 'architecture'))
const tests = await runVitest(process.argv.slice(2))
const total = {
  passed: checks.passed + tests.passed,
  failed: checks.failed + tests.failed,
  skipped: tests.skipped,
}
process.stdout.write(`${closingLine(total)}\n`)
process.exitCode = total.failed === 0 ? 0 : 1
