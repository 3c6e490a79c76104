/** What a schedule would do, before it is kept. */
import type { Express } from 'express'
import { z } from 'zod'

import { PREVIEW_AT_MOST } from '../../domain/schedule-preview.ts'
import { TaskTimingError } from '../../domain/task.ts'
import { instantFromMs } from '../../domain/time.ts'
import { DST_RULES, type DstRule } from '../../domain/wall-schedule.ts'
import { findJob } from '../../jobs/registry.ts'
import { previewSchedule } from '../../operations/preview-schedule.ts'
import { invalidRequest, parseInput } from '../problem.ts'
import { addRoute } from '../routes.ts'
import { instantShape } from '../shapes.ts'
import { instantOf, lookFor, notFound } from './read-query.ts'
import { SCHEDULES_PATH } from './schedules.ts'

const COUNT_DEFAULT = 10

const instant = instantOf(z.string())

const query = z.strictObject({
  job: lookFor(64).optional(),
  cron: lookFor(200).optional(),
  every: lookFor(40).optional(),
  timezone: lookFor(64).optional(),
  dst: z.enum(DST_RULES as [DstRule, ...DstRule[]]).optional(), // not empty
  from: instant.optional(),
  count: z.coerce.number().int().min(1).max(PREVIEW_AT_MOST).default(COUNT_DEFAULT),
})

const line = z.union([
  z.strictObject({
    kind: z.literal('fire'),
    at: instantShape,
    wall: z.string(),
    offset: z.string(),
  }),
  z.strictObject({
    kind: z.literal('change'),
    at: instantShape,
    wallBefore: z.string(),
    wallAfter: z.string(),
  }),
])

const preview = z.strictObject({
  timezone: z.string(),
  dst: z.string().nullable(),
  spread: z.strictObject({ windowMs: z.int(), offsetMs: z.int() }).nullable(),
  lines: z.array(line),
})

/** `GET /api/admin/scheduler/schedules/preview`; it stands before the route of a schedule's name. */
export function addSchedulePreviewRoute(app: Express): void {
  addRoute(
    app,
    `${SCHEDULES_PATH}/preview`,
    {
      get: (request, response) => {
        const { job: name, from, count, ...when } = parseInput(query, request.query, 'query')
        const job = name === undefined ? undefined : findJob(name)
        if (name !== undefined && job === undefined) throw notFound('job')
        const after = from ?? instantFromMs(Date.now())
        try {
          response.json(previewSchedule({ job, when, after, count }))
        } catch (error) {
          if (!(error instanceof TaskTimingError)) throw error
          const path = name === undefined ? 'cron' : 'job'
          throw invalidRequest([{ path, message: error.message }], 'query')
        }
      },
    },
    {
      get: {
        summary:
          'The next times of a job, or of a cron expression or interval, with changes of clocks',
        permission: 'operations.read',
        query,
        answers: { 200: preview },
      },
    },
  )
}
