/** The texts that `npm run new:job` writes. Each is a working file, to be changed, not filled in. */
import type { JobNames } from './new-job.ts'

/** `jobs/<name>.ts` */
export function jobFile({ name, camel, pascal, queue }: JobNames): string {
  return `/** What this job is for, in one line. */
import { z } from 'zod'

import { MINUTE_MS } from '../domain/time.ts'
import { defineJob } from './define-job.ts'

/** Nothing to say: it does all of its work. */
export const ${camel}Input = z.strictObject({})

/** What was done. */
export const ${camel}Result = z.strictObject({
  done: z.int().min(0).meta({ description: 'Things done.' }),
})

export type ${pascal}Input = z.output<typeof ${camel}Input>
export type ${pascal}Result = z.output<typeof ${camel}Result>

export const ${camel} = defineJob({
  name: '${name}',
  summary: 'Says in one line what the job does',
  description: 'Says in a paragraph what the job does, what it touches and what it leaves alone.',
  input: ${camel}Input,
  result: ${camel}Result,
  queue: '${queue}',
  priority: 'LOW',
  workflowKey: () => 'all',
  onConflict: { whileOpen: 'join', afterClose: 'again' },
  onExhausted: 'fail',
  slo: { durationMs: MINUTE_MS },
  owner: 'platform',
  alerts: ['failed'],
  histories: ['done'],
})
`
}

/** `activities/<name>.ts` */
export function activitiesFile({ name, pascal }: JobNames): string {
  return `/** The steps of \`${name}\`, as Temporal calls them. Thin: what they do is in operations/. */
import type { ${pascal}Result } from '../jobs/${name}.ts'
import { mapFailures } from './errors.ts'

/** The activities of \`${name}\`. May be repeated. */
export function create${pascal}Activities() {
  return mapFailures({
    /** Does the work. A step longer than 10 s starts heartbeats and hands their signal on. */
    async carryOut${pascal}(): Promise<${pascal}Result> {
      return { done: 0 }
    },
  })
}

/** Types of the activities, for \`proxyActivities\`. */
export type ${pascal}Activities = ReturnType<typeof create${pascal}Activities>
`
}

/** `workflows/<name>.ts` */
export function workflowFile({ name, camel, pascal }: JobNames): string {
  return `/** The order of steps of \`${name}\`. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { ${pascal}Activities } from '../activities/${name}.ts'
import type { ${pascal}Input, ${pascal}Result } from '../jobs/${name}.ts'
import { SHORT_STEP } from './shared/steps.ts'

const { carryOut${pascal} } = proxyActivities<${pascal}Activities>(SHORT_STEP)

/** Returns what was done. */
export async function ${camel}(_input: ${pascal}Input): Promise<${pascal}Result> {
  const result = await carryOut${pascal}()
  setCurrentDetails(\`\${result.done} done\`)
  return result
}
`
}

/** `test/workflows/<name>.test.ts` */
export function testFile({ name, pascal, queue }: JobNames): string {
  return `/** The \`${name}\` run. Activities are fakes. */
import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ${pascal}Activities } from '../../activities/${name}.ts'
import { startJob } from '../../platform/temporal/job-starter.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})

afterAll(async () => {
  await rig[Symbol.asyncDispose]()
})

async function run(activities: ${pascal}Activities): Promise<unknown> {
  return rig.withWorker('${queue}', activities, async () => {
    const { workflowId } = await startJob(rig, { job: '${name}', input: {}, trigger: 'cli' })
    return rig.client.workflow.getHandle(workflowId).result()
  })
}

test('returns what was done', async () => {
  expect(await run({ carryOut${pascal}: async () => ({ done: 3 }) })).toEqual({ done: 3 })
})
`
}

/** `docs/runbooks/<name>.md` */
export function runbookFile({ name }: JobNames): string {
  return `# Runbook: ${name}

What the job does, and what follows when it does not run.

## It failed

\`groundstop jobs list --job ${name} --status failed\`, then \`groundstop jobs show <id>\`; its \`error\` is the reason.

| reason                | do                                                      |
| --------------------- | ------------------------------------------------------- |
| \`DatabaseUnavailable\` | look at Postgres, then run it again: it may be repeated |
`
}
