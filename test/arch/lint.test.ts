/** The lint rules that carry weight here catch what they are there for, in a throwaway tree. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { plantTree, ROOT, runTool } from '../support/repository.ts'

const OXLINT = 'oxlint/bin/oxlint'

/** Two seconds alone; the rest is for a machine that does other things. */
const RUN_MS = 60_000

/** `count` lines of code that break no rule by themselves. */
function lines(count: number): string {
  return Array.from({ length: count }, (_, index) => `  total += ${index}`).join('\n')
}

function functionOf(bodyLines: number): string {
  // The signature, the declaration, the return and the closing brace are four lines.
  return `export function sum(): number {\n  let total = 0\n${lines(bodyLines - 4)}\n  return total\n}\n`
}

function fileOf(lineCount: number): string {
  return Array.from({ length: lineCount }, (_, index) => `export const v${index} = ${index}`).join(
    '\n',
  )
}

const PROMISE = 'declare function pay(): Promise<void>\n'

/** Each file with what is wrong in it and the rule that must say so. */
const PLANTED: readonly (readonly [path: string, text: string, rule: string])[] = [
  [
    'operations/floating.ts',
    `${PROMISE}export function run(): void {\n  pay()\n}\n`,
    'no-floating-promises',
  ],
  [
    'operations/misused.ts',
    `${PROMISE}export function run(): void {\n  [1].forEach(async () => {\n    await pay()\n  })\n}\n`,
    'no-misused-promises',
  ],
  [
    'activities/let-go.ts',
    `${PROMISE}declare function hold(): Disposable\nexport async function run(): Promise<void> {\n  using _held = hold()\n  return pay()\n}\n`,
    'return-await',
  ],
  ['domain/any.ts', 'export const x: any = 1\n', 'no-explicit-any'],
  [
    'domain/bang.ts',
    'export const first = (list: string[]): string => list[0]!\n',
    'no-non-null-assertion',
  ],
  [
    'domain/union.ts',
    "export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1\n  }\n  return 0\n}\n",
    'switch-exhaustiveness-check',
  ],
  ['domain/clock.ts', 'export const now = (): number => Date.now()\n', 'no-restricted-properties'],
  [
    'domain/dice.ts',
    'export const roll = (): number => Math.random()\n',
    'no-restricted-properties',
  ],
  ['domain/long.ts', functionOf(71), 'max-lines-per-function'],
  ['domain/big.ts', fileOf(401), 'max-lines'],
  ['domain/CamelCase.ts', 'export const x = 1\n', 'filename-case'],
  ['domain/default.ts', 'export default 1\n', 'no-default-export'],
  ['workflows/fetch.ts', "export const get = (): unknown => fetch('x')\n", 'no-restricted-globals'],
  ['workflows/env.ts', 'export const env = (): unknown => process.env\n', 'no-restricted-globals'],
  [
    'workflows/bytes.ts',
    "export const b = (): unknown => Buffer.from('x')\n",
    'no-restricted-globals',
  ],
  ['workflows/builtin.ts', "export { readFileSync } from 'node:fs'\n", 'no-restricted-imports'],
  ['operations/env.ts', 'export const env = (): unknown => process.env\n', 'no-process-env'],
  ['workers/exit.ts', 'export function stop(): void {\n  process.exit(1)\n}\n', 'no-process-exit'],
  ['platform/print.ts', "export function say(): void {\n  console.log('x')\n}\n", 'no-console'],
  [
    'test/unit/only.test.ts',
    "import { test } from 'vitest'\ntest.only('x', () => {})\n",
    'no-focused-tests',
  ],
  [
    'test/unit/skip.test.ts',
    "import { test } from 'vitest'\ntest.skip('x', () => {})\n",
    'no-disabled-tests',
  ],
]

/** The other side of each limit, and the places where a rule must not reach. */
const FINE: readonly (readonly [path: string, text: string])[] = [
  ['domain/not-too-long.ts', functionOf(70)],
  ['domain/not-too-big.ts', fileOf(400)],
  ['platform/clock.ts', 'export const now = (): number => Date.now()\n'],
  ['activities/env.ts', 'export const load = async (): Promise<unknown> => fetch("x")\n'],
  [
    'operations/awaited.ts',
    `${PROMISE}export async function run(): Promise<void> {\n  await pay()\n}\n`,
  ],
  ['workers/main.ts', 'export const env = (): unknown => process.env\n'],
  ['cli/print.ts', "export function say(): void {\n  console.log('x')\n}\n"],
]

type LintReport = { diagnostics: { code: string; filename: string }[] }

describe('the lint rules', () => {
  let found: { path: string; rule: string }[] = []

  beforeAll(async () => {
    const files = [...PLANTED, ...FINE].map(([path, text]) => [path, text])
    using tree = plantTree({
      ...(Object.fromEntries(files) as Record<string, string>),
      'tsconfig.json': JSON.stringify({
        compilerOptions: { strict: true, module: 'nodenext', target: 'es2024', types: [] },
        include: ['**/*.ts'],
      }),
    })
    for (const name of ['.oxlintrc.json', 'package.json']) {
      copyFileSync(join(ROOT, name), join(tree.root, name))
    }
    const { stdout } = await runTool(OXLINT, ['--type-aware', '--format', 'json'], tree.root)
    const { diagnostics } = JSON.parse(stdout) as LintReport
    found = diagnostics.map(({ filename, code }) => ({
      path: filename,
      rule: /\((?<rule>.+)\)/.exec(code)?.groups?.['rule'] ?? code,
    }))
  }, RUN_MS)

  test.each(PLANTED)('find what is wrong in %s', (path, _text, rule) => {
    expect(found).toContainEqual({ path, rule })
  })

  test.each(FINE)('find nothing in %s', (path) => {
    expect(found.filter((finding) => finding.path === path)).toEqual([])
  })
})
