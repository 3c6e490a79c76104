/**
 * `npm run test:broken-rules [-- ID...]`: takes each rule out of a copy of the sources, one at a time, and
 * runs the tests that are named after it. A rule whose tests still pass is not tested: exit code 1.
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { BrokenRule, Noticing } from '../test/broken-rules/broken-rule.ts'
import { TRAP_RULES } from '../test/broken-rules/traps.ts'
import type { Tally } from '../test/support/reporter.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What no test needs a copy of. */
const NOT_COPIED = ['node_modules', '.git', '.groundstop', 'docs']

type Ran = { readonly passed: number; readonly failed: number; readonly output: string }

const wanted = process.argv.slice(2)
const rules = TRAP_RULES.filter(({ id }) => wanted.length === 0 || wanted.includes(id))
if (rules.length === 0) throw new RangeError(`no such rule; there are ${idsOf(TRAP_RULES)}`)

const copy = await mkdtemp(join(tmpdir(), 'groundstop-broken-'))
try {
  await cp(ROOT, copy, {
    recursive: true,
    filter: (path) => !NOT_COPIED.some((name) => path === join(ROOT, name)),
  })
  await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  const unnoticed: BrokenRule[] = []
  for (const rule of rules) if (!(await isNoticed(rule))) unnoticed.push(rule)
  console.log(`${rules.length - unnoticed.length} of ${rules.length} broken rules are noticed`)
  process.exitCode = unnoticed.length === 0 ? 0 : 1
} finally {
  await rm(copy, { recursive: true, force: true })
}

/** Whether the rule's tests pass with it and fail without it; says so on a line of its own. */
async function isNoticed(rule: BrokenRule): Promise<boolean> {
  const whole = await run(rule.noticedBy)
  if (whole.passed === 0 || whole.failed > 0) {
    console.log(`${rule.id}: its tests do not pass as it is\n${whole.output}`)
    return false
  }
  const kept = new Map<string, string>()
  for (const { file, find, replace } of rule.edits) {
    const path = join(copy, file)
    const text = await readFile(path, 'utf8')
    if (text.split(find).length !== 2) throw new Error(`${rule.id}: not once in ${file}: ${find}`)
    if (!kept.has(path)) kept.set(path, text)
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
  }
  const broken = await run(rule.noticedBy)
  for (const [path, text] of kept) await writeFile(path, text)
  const verdict =
    broken.failed > 0 ? `${broken.failed} of ${whole.passed} tests fail` : 'NOT NOTICED'
  console.log(`${rule.id.padEnd(8)} ${rule.without}: ${verdict}`)
  return broken.failed > 0
}

function run({ file, name }: Noticing): Promise<Ran> {
  const tallyFile = join(copy, 'tally.json')
  return new Promise((resolve, reject) => {
    const child = spawn('npx', ['vitest', 'run', file, '-t', name], {
      cwd: copy,
      env: { ...process.env, GROUNDSTOP_TEST_TALLY: tallyFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
    child.once('error', reject)
    child.once('close', () => {
      readFile(tallyFile, 'utf8')
        .then((text) => JSON.parse(text) as Tally)
        .then(({ passed, failed }) => rm(tallyFile).then(() => resolve({ passed, failed, output })))
        // No count: vitest did not get so far, which says nothing about the rule.
        .catch(() => reject(new Error(`${file} was not counted\n${output}`)))
    })
  })
}

function idsOf(all: readonly BrokenRule[]): string {
  return all.map(({ id }) => `'${id}'`).join(', ')
}
