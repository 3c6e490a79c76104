/**
 * Whether the jobs of a pack can be carried out beside all others. The compiler has not seen a pack, so
 * that everything is looked at here. Judges what was loaded; loads nothing.
 */
import { z } from 'zod'

import { isDefinedJob, JOB_PRIORITIES, type JobQueue } from './define-job.ts'
import { checkInput } from './input.ts'
import type { AnyJob } from './registry.ts'

/** What was loaded of a pack. */
export type PackContents = {
  /** Its name, for messages. */
  readonly name: string
  /** `JOBS` of `jobs/registry.ts`. */
  readonly jobs: unknown
  /** Exports of `workflows/index.ts`. */
  readonly workflows: Readonly<Record<string, unknown>>
}

/** Jobs that can be added, and what is wrong with the others. */
export type PackCheck = { readonly jobs: readonly AnyJob[]; readonly problems: readonly string[] }

const QUEUES: Readonly<Record<JobQueue, true>> = {
  monitoring: true,
  payouts: true,
  notifications: true,
  maintenance: true,
  reports: true,
}

const JOBS_AT_MOST = 50

const strictObject = z.custom<z.ZodType>(isStrictObject, 'must be a z.strictObject')
const presence = z.enum(['scheduled', 'when-asked', 'by-hand', 'off'])

/** What the compiler would have asked for, and `defineJob` does not look at. */
const definitionShape = z.looseObject({
  summary: z.string().min(1).max(200),
  description: z.string().min(1).max(2_000),
  input: strictObject,
  result: strictObject,
  queue: z.enum(Object.keys(QUEUES), `must be one of ${Object.keys(QUEUES).join(', ')}`),
  priority: z.enum(JOB_PRIORITIES, `must be one of ${JOB_PRIORITIES.join(', ')}`),
  timeoutMs: z.number().nullable().optional(),
  workflowKey: z.custom((value) => typeof value === 'function', 'must be a function'),
  onConflict: z.looseObject({
    whileOpen: z.enum(['join', 'reject', 'beside', 'queue']),
    afterClose: z.enum(['again', 'again-after-failure', 'never']),
  }),
  limits: z
    .undefined('are for jobs of the product: onConflict queues the runs of a pack')
    .optional(),
  onExhausted: z.enum(['fail', 'park']),
  environments: z.strictObject({
    development: presence,
    staging: presence,
    production: presence,
  }),
  slo: z.strictObject({ durationMs: z.number().optional(), freshnessMs: z.number().optional() }),
  owner: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be small letters, digits and -'),
  alerts: z.array(z.enum(['failed', 'late', 'parked'])),
  histories: z.array(z.string()),
  schedule: z.looseObject({ overlap: z.enum(['skip', 'queue-one', 'beside']) }).optional(),
})

function isStrictObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('_zod' in value)) return false
  // It has zod's mark; a schema of another copy of zod would lack what is read here.
  const schema = z.toJSONSchema(value as z.ZodType, { io: 'input', unrepresentable: 'any' })
  return schema.type === 'object' && schema.additionalProperties === false
}

/** Checks packs in order beside the jobs that there are already. Never throws: problems are values. */
export function checkPacks(packs: readonly PackContents[], own: readonly AnyJob[]): PackCheck {
  const added: AnyJob[] = []
  const owners = new Map<AnyJob, string>()
  const problems: string[] = []
  for (const pack of packs) {
    const tell = (problem: string): void => void problems.push(`${pack.name}: ${problem}`)
    for (const job of jobsOf(pack, tell)) {
      const clash = clashOf(job, [...own, ...added])
      if (clash === undefined) {
        added.push(job)
        owners.set(job, `the pack ${pack.name}`)
      } else {
        const { taken, by } = clash
        tell(`job ${job.name}: ${taken} is taken by ${owners.get(by) ?? 'the product'}`)
      }
    }
    checkWorkflows(pack, added, tell)
  }
  const all = [...own, ...added]
  problems.push(...added.flatMap((job) => orderProblems(job, all)))
  return { jobs: added, problems }
}

function jobsOf(pack: PackContents, tell: (problem: string) => void): AnyJob[] {
  const { jobs } = pack
  if (!Array.isArray(jobs) || jobs.length === 0 || jobs.length > JOBS_AT_MOST) {
    tell(`jobs/registry.ts must export JOBS, a list of 1 to ${JOBS_AT_MOST} jobs`)
    return []
  }
  return jobs.flatMap((job: unknown, index) => {
    if (!isDefinedJob(job)) {
      tell(`JOBS[${index}] was not made by defineJob of groundstop/pack`)
      return []
    }
    const definition = job as AnyJob // made by `defineJob`, from what the compiler has not seen
    const problems = definitionProblems(definition)
    for (const problem of problems) tell(`job ${definition.name}: ${problem}`)
    if (typeof pack.workflows[definition.workflow] !== 'function') {
      tell(`workflows/index.ts must export the function ${definition.workflow}`)
    }
    return problems.length === 0 ? [definition] : []
  })
}

function definitionProblems(job: AnyJob): string[] {
  const parsed = definitionShape.safeParse(job)
  if (!parsed.success) {
    return parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`)
  }
  const check = job.schedule === undefined ? null : checkInput(job, job.schedule.input)
  if (check === null || check.ok) return []
  return check.problems.map(({ field, message }) => `schedule.input.${field}: ${message}`)
}

type Clash = { readonly taken: string; readonly by: AnyJob }

function clashOf(job: AnyJob, others: readonly AnyJob[]): Clash | undefined {
  for (const field of ['name', 'type', 'workflow'] as const) {
    const by = others.find((other) => other[field] === job[field])
    if (by !== undefined) return { taken: `${field} ${job[field]}`, by }
  }
  return undefined
}

/** Any other function would be a workflow that no door starts and whose input nobody checks. */
function checkWorkflows(
  { jobs, workflows }: PackContents,
  added: readonly AnyJob[],
  tell: (problem: string) => void,
): void {
  const known = new Set(
    [...added, ...(Array.isArray(jobs) ? jobs : [])].map((job: AnyJob) => job?.workflow),
  )
  for (const [name, value] of Object.entries(workflows)) {
    if (typeof value === 'function' && !known.has(name)) {
      tell(`workflows/index.ts exports ${name}, and no job has that workflow`)
    }
  }
}

function orderProblems(job: AnyJob, all: readonly AnyJob[]): string[] {
  if (job.after === undefined) return []
  if (job.schedule === undefined) return [`job ${job.name}: after needs a schedule`]
  const earlier = new Set(job.after)
  for (const name of earlier) {
    const other = all.find((one) => one.name === name)
    if (other?.schedule === undefined) return [`job ${job.name}: after: ${name} does not recur`]
    for (const one of other.after ?? []) earlier.add(one)
  }
  return earlier.has(job.name) ? [`job ${job.name}: after: it would wait for itself`] : []
}
