/** Each rule of the import table catches a violation planted in a throwaway tree. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { plantTree, ROOT, runTool } from '../support/repository.ts'

const DEPCRUISE = 'dependency-cruiser/bin/dependency-cruiser.mjs'

const PACKAGES = [
  'zod',
  'pg',
  'kysely',
  'express',
  'stripe',
  '@temporalio/workflow',
  '@temporalio/common',
  '@temporalio/activity',
  '@temporalio/client',
  '@temporalio/worker',
  '@opentelemetry/api',
  '@opentelemetry/sdk-trace',
]

/** What must be refused: the file, what it imports, and the rule that says so. */
const VIOLATIONS: readonly (readonly [from: string, line: string, rule: string])[] = [
  ['domain/a.ts', "import '../platform/x.ts'", 'domain-values'],
  ['domain/b.ts', "import 'zod'", 'domain-packages'],
  ['domain/c.ts', "import 'node:fs'", 'pure-code-without-builtins'],
  ['domain/d.ts', "import type { X } from '../jobs/x.ts'", 'domain-types'],
  ['jobs/a.ts', "import '../workflows/x.ts'", 'jobs-values'],
  ['jobs/b.ts', "import '@temporalio/common'", 'jobs-packages'],
  ['config/a.ts', "import '../domain/x.ts'", 'config-values'],
  ['workflows/a.ts', "import '../activities/x.ts'", 'workflows-values'],
  ['workflows/b.ts', "import type { X } from '../operations/x.ts'", 'workflows-types'],
  ['workflows/c.ts', "import '@temporalio/client'", 'workflows-packages'],
  ['workflows/d.ts', "import 'node:crypto'", 'pure-code-without-builtins'],
  ['activities/a.ts', "import '../db/x.ts'", 'activities-values'],
  ['activities/b.ts', "import '../adapters/x.ts'", 'activities-values'],
  ['activities/c.ts', "import '@temporalio/client'", 'activities-packages'],
  ['operations/a.ts', "import '../db/x.ts'", 'operations-values'],
  ['operations/b.ts', "import '../adapters/x.ts'", 'operations-values'],
  ['operations/c.ts', "import type { X } from '../db/x.ts'", 'operations-types'],
  ['operations/d.ts', "import '@temporalio/activity'", 'operations-packages'],
  ['platform/a.ts', "import '../db/x.ts'", 'platform-values'],
  ['platform/b.ts', "import '../operations/x.ts'", 'platform-values'],
  ['adapters/a.ts', "import '../operations/x.ts'", 'adapters-values'],
  ['adapters/b.ts', "import '../config/x.ts'", 'adapters-values'],
  ['db/a.ts', "import '../operations/x.ts'", 'db-values'],
  ['simulator/a.ts', "import '../db/x.ts'", 'simulator-values'],
  ['workers/a.ts', "import '../api/x.ts'", 'workers-values'],
  ['api/a.ts', "import '../workflows/x.ts'", 'api-values'],
  ['api/b.ts', "import '../activities/x.ts'", 'api-values'],
  ['client/a.ts', "import '../api/x.ts'", 'client-values'],
  ['client/b.ts', "import 'zod'", 'client-packages'],
  ['cli/a.ts', "import '../activities/x.ts'", 'cli-values'],
  ['cli/b.ts', "import '../test/x.ts'", 'cli-values'],
  ['api/c.ts', "import 'pg'", 'sql-only-in-db'],
  ['adapters/c.ts', "import 'kysely'", 'sql-only-in-db'],
  ['cli/c.ts', "import '../acceptance/x.ts'", 'cli-values'],
  ['acceptance/oracle/a.ts', "import '../../domain/x.ts'", 'oracle-stands-alone'],
  ['acceptance/oracle/b.ts', "import type { X } from '../x.ts'", 'oracle-stands-alone'],
  ['acceptance/a.ts', "import '../test/x.ts'", 'acceptance-without-tests'],
  ['workers/b.ts', "import '@opentelemetry/sdk-trace'", 'tracing-on-demand'],
  ['workers/c.ts', "import '../platform/tracing/otlp.ts'", 'tracing-loaded-late'],
  ['domain/loop-a.ts', "import './loop-b.ts'", 'no-cycles'],
  ['db/e.ts', "import './missing.ts'", 'resolvable'],
]

/** What must be let through: a false alarm teaches people to silence the check. */
const ALLOWED: readonly (readonly [from: string, line: string])[] = [
  ['jobs/ok.ts', "import 'zod'\nimport '../domain/x.ts'"],
  ['jobs/ok-type.ts', "import type { X } from '../workflows/x.ts'"],
  ['workflows/ok.ts', "import '../jobs/x.ts'\nimport '@temporalio/workflow'"],
  ['workflows/ok-type.ts', "import type { X } from '../activities/x.ts'"],
  ['activities/ok.ts', "import '../operations/x.ts'\nimport '@temporalio/activity'"],
  ['operations/ok.ts', "import '../platform/x.ts'\nimport '../domain/x.ts'"],
  [
    'workers/ok.ts',
    "import '../activities/x.ts'\nimport '../db/x.ts'\nimport '@temporalio/worker'",
  ],
  ['api/ok.ts', "import '../operations/x.ts'\nimport 'express'"],
  ['api/ok-type.ts', "import type { X } from '../workflows/x.ts'"],
  ['adapters/ok.ts', "import 'stripe'\nimport '../domain/x.ts'"],
  ['platform/tracing/otlp.ts', "import '@opentelemetry/sdk-trace'"],
  ['platform/tracing/ok.ts', "import '@opentelemetry/api'\nawait import('./otlp.ts')"],
  ['db/ok.ts', "import 'pg'\nimport 'kysely'\nimport 'node:fs'"],
  ['cli/ok.ts', "import '../operations/x.ts'\nimport '../adapters/x.ts'"],
  [
    'acceptance/ok.ts',
    "import '../cli/x.ts'\nimport '../operations/x.ts'\nimport './oracle/ok.ts'",
  ],
  ['acceptance/oracle/ok.ts', "import 'node:fs'\nimport 'kysely'"],
]

const FOLDERS = [
  'domain',
  'jobs',
  'config',
  'workflows',
  'activities',
  'operations',
  'platform',
  'adapters',
  'db',
  'simulator',
  'workers',
  'api',
  'cli',
  'acceptance',
  'test',
]

type Cruise = { summary: { violations: { from: string; rule: { name: string } }[] } }

function fixture(): Record<string, string> {
  const packages = PACKAGES.flatMap((name) => [
    [`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' })],
    [`node_modules/${name}/index.js`, ''],
  ])
  const dependencies = Object.fromEntries(PACKAGES.map((name) => [name, '*']))
  return {
    'package.json': JSON.stringify({ type: 'module', dependencies }),
    'tsconfig.json': JSON.stringify({
      compilerOptions: { module: 'nodenext', allowImportingTsExtensions: true, noEmit: true },
    }),
    'domain/loop-b.ts': "import './loop-a.ts'",
    ...Object.fromEntries(packages),
    ...Object.fromEntries(FOLDERS.map((folder) => [`${folder}/x.ts`, 'export type X = 1'])),
    ...Object.fromEntries(VIOLATIONS.map(([from, line]) => [from, line])),
    ...Object.fromEntries(ALLOWED.map(([from, line]) => [from, line])),
  }
}

describe('the import table', () => {
  let found: { from: string; rule: string }[] = []

  beforeAll(async () => {
    using tree = plantTree(fixture())
    copyFileSync(join(ROOT, '.dependency-cruiser.mjs'), join(tree.root, '.dependency-cruiser.mjs'))
    const args = ['--config', '.dependency-cruiser.mjs', '--output-type', 'json', '.']
    const { stdout } = await runTool(DEPCRUISE, args, tree.root)
    const { violations } = (JSON.parse(stdout) as Cruise).summary
    found = violations.map(({ from, rule }) => ({ from, rule: rule.name }))
  }, 60_000)

  test.each(VIOLATIONS)('refuses in %s: %s (%s)', (from, _line, rule) => {
    expect(found).toContainEqual({ from, rule })
  })

  test.each(ALLOWED)('lets through in %s: %s', (from) => {
    expect(found.filter((violation) => violation.from === from)).toEqual([])
  })
})
