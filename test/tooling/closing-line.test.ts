/** A test run ends with one line that a machine can read, and with the exit code that goes with it. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { closingLine } from '../support/reporter.ts'
import { plantTree, ROOT, runTool } from '../support/repository.ts'

const RUN_MS = 60_000

const HEAD = "import { expect, test } from 'vitest'\n"
const PASSING = `${HEAD}test('holds', () => expect(1).toBe(1))\n`
const FAILING = `${HEAD}test('does not hold', () => expect(1).toBe(2))\n`
const BROKEN = `${HEAD}throw new Error('does not load')\n`
const UNSTEADY = `${HEAD}let tries = 0\ntest('holds at last', () => expect((tries += 1)).toBe(2))\n`
const LEAKING = `${HEAD}test('leaks', () => void Promise.reject(new Error('nobody awaits this')))\n`

async function runTests(
  files: Record<string, string>,
  ...words: readonly string[]
): Promise<{ last: string; exitCode: number; stdout: string }> {
  using tree = plantTree({ 'package.json': '{"type":"module"}', ...files })
  const reporter = join(ROOT, 'test/support/reporter.ts')
  const args = [
    'run',
    '--root',
    tree.root,
    '--reporter',
    'default',
    '--reporter',
    reporter,
    ...words,
  ]
  const { exitCode, stdout } = await runTool('vitest/vitest.mjs', args, tree.root)
  return { exitCode, stdout, last: stdout.trimEnd().split('\n').at(-1) ?? '' }
}

describe('the closing line', () => {
  test('leaves skipped tests out when there are none', () => {
    expect(closingLine({ passed: 2, failed: 0, skipped: 0 })).toBe('2 passed, 0 failed')
  })

  test('names skipped tests when there are any', () => {
    expect(closingLine({ passed: 2, failed: 1, skipped: 3 })).toBe('2 passed, 1 failed, 3 skipped')
  })
})

describe('a run', () => {
  test('of passing tests exits 0', { timeout: RUN_MS }, async () => {
    const run = await runTests({ 'a.test.ts': PASSING })
    expect(run).toMatchObject({ last: '1 passed, 0 failed', exitCode: 0 })
  })

  test('with a failing test counts it and exits 1', { timeout: RUN_MS }, async () => {
    const run = await runTests({ 'a.test.ts': PASSING, 'b.test.ts': FAILING })
    expect(run).toMatchObject({ last: '1 passed, 1 failed', exitCode: 1 })
  })

  test('with a file that does not load counts it as failed', { timeout: RUN_MS }, async () => {
    const run = await runTests({ 'a.test.ts': PASSING, 'b.test.ts': BROKEN })
    expect(run).toMatchObject({ last: '1 passed, 1 failed', exitCode: 1 })
  })

  test('with a test that holds only when tried again passes, and names it', async () => {
    const run = await runTests({ 'a.test.ts': UNSTEADY }, '--retry', '1')
    expect(run).toMatchObject({ last: '1 passed, 0 failed', exitCode: 0 })
    expect(run.stdout).toContain('Passed only when tried again: 1\n  a.test.ts  holds at last\n')
  })

  test('that is not tried again fails for such a test', async () => {
    const run = await runTests({ 'a.test.ts': UNSTEADY })
    expect(run).toMatchObject({ last: '0 passed, 1 failed', exitCode: 1 })
    expect(run.stdout).not.toContain('Passed only')
  })

  test('with a rejection nobody awaits counts it as failed', { timeout: RUN_MS }, async () => {
    const run = await runTests({ 'a.test.ts': LEAKING })
    expect(run).toMatchObject({ last: '1 passed, 1 failed', exitCode: 1 })
  })
})
