/**
 * `npm run new:job -- stale-holds [--queue reports]`: writes the four files of a job that runs, its
 * runbook and the lines that make it known. What it then does is up to its author.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { activitiesFile, jobFile, runbookFile, testFile, workflowFile } from './job-templates.ts'

const QUEUES = ['monitoring', 'payouts', 'notifications', 'maintenance', 'reports']

/** The forms of a job's name: `stale-holds`, `staleHolds`, `StaleHolds`. */
export type JobNames = { name: string; camel: string; pascal: string; queue: string }

/** A wrong command line or a repository in another state than expected; told without a stack. */
export class ScaffoldError extends Error {
  override readonly name = 'ScaffoldError'
}

/** All forms of a job's name. Throws ScaffoldError when it is not kebab-case. */
export function namesOf(name: string, queue: string): JobNames {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > 48) {
    throw new ScaffoldError(`"${name}" is not a job's name: words of a-z and 0-9 joined by -`)
  }
  if (!QUEUES.includes(queue)) throw new ScaffoldError(`no queue ${queue}: ${QUEUES.join(', ')}`)
  const camel = name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return { name, camel, pascal: camel.charAt(0).toUpperCase() + camel.slice(1), queue }
}

type Insertion = { file: string; before: RegExp; line: string }

/** The new files by path. */
function filesOf(names: JobNames): Record<string, string> {
  return {
    [`jobs/${names.name}.ts`]: jobFile(names),
    [`activities/${names.name}.ts`]: activitiesFile(names),
    [`workflows/${names.name}.ts`]: workflowFile(names),
    [`test/workflows/${names.name}.test.ts`]: testFile(names),
    [`docs/runbooks/${names.name}.md`]: runbookFile(names),
  }
}

/** The lines that make the job known, each before the first match of a pattern. */
function insertionsOf({ name, camel, pascal }: JobNames): Insertion[] {
  const key = name === camel ? name : `'${name}'`
  const entry = name === camel ? name : `${key}: ${camel}`
  return [
    {
      file: 'jobs/registry.ts',
      before: /\n\n\/\*\* All jobs by name/,
      line: `\nimport { ${camel} } from './${name}.ts'`,
    },
    { file: 'jobs/registry.ts', before: /\n} as const/, line: `\n  ${entry},` },
    {
      file: 'workflows/index.ts',
      before: /\n\/\/ A default export/,
      line: `\nexport { ${camel} } from './${name}.ts'`,
    },
    {
      file: 'workers/services.ts',
      before: /\nimport \{ ConfigError/,
      line: `\nimport { create${pascal}Activities } from '../activities/${name}.ts'`,
    },
    {
      file: 'workers/services.ts',
      before: /\n {4}},\n {4}clock,\n {4}placeActivities:/,
      line: `\n      ${key}: create${pascal}Activities(),`,
    },
    {
      file: 'test/support/history-cases.ts',
      before: /\n\]\n\n\/\*\* Ten payouts/,
      line:
        `\n  {\n    job: '${name}',\n    name: 'done',\n    input: {},\n` +
        `    activities: () => ({ carryOut${pascal}: async () => ({ done: 1 }) }),\n  },`,
    },
  ]
}

/** Writes everything below `root`, or nothing. Returns the paths written. Throws ScaffoldError. */
export function scaffoldJob(root: string, names: JobNames): string[] {
  const files = filesOf(names)
  const taken = Object.keys(files).filter((path) => existsSync(join(root, path)))
  if (taken.length > 0) throw new ScaffoldError(`${taken.join(', ')} is there already`)
  const changed = new Map<string, string>()
  for (const { file, before, line } of insertionsOf(names)) {
    const text = changed.get(file) ?? readFileSync(join(root, file), 'utf8')
    const at = text.search(before)
    if (at < 0) throw new ScaffoldError(`${file} has no place for the job: ${String(before)}`)
    changed.set(file, text.slice(0, at) + line + text.slice(at))
  }
  const written = [...Object.entries(files), ...changed]
  for (const [path, text] of written) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return written.map(([path]) => path)
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { queue: { type: 'string', default: 'maintenance' } },
  })
  const [name] = positionals
  if (name === undefined) throw new ScaffoldError('usage: npm run new:job -- <name> [--queue name]')
  const root = fileURLToPath(new URL('..', import.meta.url))
  for (const path of scaffoldJob(root, namesOf(name, values.queue))) console.log(path)
  console.log(
    [
      '\nThe job runs as it is. Now:',
      `  npm run record -- ${name}      records its history for the replay test`,
      '  npm run docs:jobs            writes it into docs/jobs.md',
      '  npm run check                says what is missing',
      'and docs/adding-a-job.md says what goes where.',
    ].join('\n'),
  )
}

if (import.meta.main) {
  try {
    main()
  } catch (error) {
    if (!(error instanceof ScaffoldError)) throw error
    console.error(`new:job: ${error.message}`)
    process.exitCode = 2
  }
}
