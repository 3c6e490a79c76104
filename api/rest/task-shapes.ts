/** What requests about tasks must look like, and their answers. */
import { z } from 'zod'

import { TASK_TENANT } from '../../domain/plain-text.ts'
import { TASK_STATES, TOLERANCE_AT_MOST_MIN } from '../../domain/task.ts'
import { CALENDARS_AT_MOST } from '../../domain/task-when.ts'
import { DST_RULES, type DstRule } from '../../domain/wall-schedule.ts'
import { JOB_PRIORITIES, type JobPriority } from '../../jobs/define-job.ts'
import { allJobs, findJob } from '../../jobs/registry.ts'
import { TASKS_PER_CALL } from '../../operations/manage-tasks.ts'
import { noteText } from '../contract.ts'
import { instantShape, objectShape } from '../shapes.ts'
import { instantOf, lookFor, pageFields } from './read-query.ts'

const jobType = z.string('text, such as COVERAGE_ARMING').transform((name, context) => {
  const job = findJob(name)
  if (job !== undefined) return job
  const known = allJobs().map(({ type }) => type)
  context.addIssue({ code: 'custom', message: `not a job type; known: ${known.join(', ')}` })
  return z.NEVER
})

const instant = instantOf(z.string('an ISO-8601 instant with an offset'))

const calendarNumber = z.union([
  z.int().min(0).max(59),
  z.strictObject({ start: z.int().min(0).max(59), end: z.int().min(0).max(59) }),
])

const calendar = z.strictObject({
  minute: calendarNumber.optional(),
  hour: calendarNumber,
  dayOfMonth: calendarNumber.optional(),
  dayOfWeek: calendarNumber.optional(),
  month: calendarNumber.optional(),
})

/** Exactly one of executeAt, every, cron and calendars. */
const when = z
  .strictObject({
    executeAt: instant.optional(),
    every: z.union([z.int().min(1), z.string().max(40)]).optional(),
    cron: z.string().max(200).optional(),
    calendars: z.array(calendar).min(1).max(CALENDARS_AT_MOST).optional(),
    timezone: lookFor(64).optional(),
    dst: z.enum(DST_RULES as [DstRule, ...DstRule[]]).optional(), // not empty
  })
  .meta({ description: 'Exactly one of executeAt, every, cron and calendars.' })

const noteFields = { by: noteText, reason: noteText }
const tolerance = z.int().min(1).max(TOLERANCE_AT_MOST_MIN).optional()

/** Who and why. */
export const noteBody = z.strictObject(noteFields, 'a JSON object')

/** A task that is wanted. */
export const createBody = z.strictObject(
  {
    ...noteFields,
    type: jobType,
    when,
    payload: z.record(z.string(), z.unknown(), 'a JSON object').nullish(),
    owner: noteText.optional(),
    tenant: z.string().regex(TASK_TENANT, 'letters, digits and -').optional(),
    priority: z.enum(JOB_PRIORITIES as [JobPriority, ...JobPriority[]]).optional(), // not empty
    toleranceMin: tolerance,
  },
  'a JSON object',
)

/** Another time for a task. */
export const rescheduleBody = z.strictObject(
  { ...noteFields, when, toleranceMin: tolerance },
  'a JSON object',
)

const filterFields = {
  tenant: z.string().regex(TASK_TENANT).optional(),
  owner: lookFor(200).optional(),
  job: lookFor(64).optional(),
  state: z.enum(TASK_STATES).optional(),
  since: instant.optional(),
  until: instant.optional(),
}

/** Which page of which tasks. */
export const listQuery = z.strictObject({ ...pageFields, ...filterFields })

/** A change of many. */
export const bulkBody = z
  .strictObject(
    {
      ...noteFields,
      action: z.enum(['cancel', 'pause', 'resume', 'reschedule']),
      when: when.optional(),
      toleranceMin: tolerance,
      filter: z
        .strictObject({
          ...filterFields,
          taskIds: z.array(z.guid().toLowerCase()).min(1).max(TASKS_PER_CALL).optional(),
        })
        .refine((filter) => Object.values(filter).some((value) => value !== undefined), {
          message: 'at least one of taskIds, tenant, owner, job, state, since, until',
        }),
      limit: z.int().min(1).max(TASKS_PER_CALL).default(TASKS_PER_CALL),
      dryRun: z.boolean().default(false),
    },
    'a JSON object',
  )
  .refine((body) => (body.action === 'reschedule') === (body.when !== undefined), {
    message: 'belongs to reschedule',
    path: ['when'],
  })

const task = {
  taskId: z.guid(),
  tenant: z.string(),
  owner: z.string(),
  job: z.string(),
  input: objectShape.optional(),
  withheld: z.literal(true).optional(),
  priority: z.string(),
  timing: z.looseObject({ kind: z.enum(['once', 'interval', 'wall']) }),
  toleranceMin: z.int(),
  state: z.enum(TASK_STATES),
  dueAt: instantShape,
  timedAt: instantShape,
  reason: z.string(),
  revision: z.int(),
  missed: z.int(),
  missedUntil: instantShape.nullable(),
  isApplied: z.boolean(),
  createdAt: instantShape,
  updatedAt: instantShape,
}

/** A task. */
export const taskShape: z.ZodType = z.strictObject(task)

/** A task with its last runs and its next times. */
export const taskDetailsShape: z.ZodType = z.strictObject({
  ...task,
  runs: z.array(objectShape),
  next: z.array(instantShape),
})

const count = z.int().min(0)

/** How tasks do. */
export const statisticsShape: z.ZodType = z.strictObject({
  byState: z.record(z.enum(TASK_STATES), count),
  dueWithinHour: count,
  overdue: count,
  missedWithinDay: count,
  latenessP50Ms: z.int().nullable(),
  latenessP99Ms: z.int().nullable(),
  unapplied: count,
})

/** What a change of many did. */
export const bulkShape: z.ZodType = z.strictObject({
  tasks: z.array(
    z.strictObject({
      taskId: z.guid(),
      outcome: z.enum(['done', 'would-do', 'refused']),
      message: z.string().nullable(),
    }),
  ),
  isMore: z.boolean(),
})
