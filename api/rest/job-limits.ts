/** Limits of jobs over all workers: what holds, who is at work, who waits. */
import type { Express } from 'express'
import { z } from 'zod'

import type { ShownJobLimits } from '../../operations/read-job-limits.ts'
import { addRoute } from '../routes.ts'
import { instantShape } from '../shapes.ts'

/** What the route needs. */
export type JobLimitsDeps = { readonly readJobLimits: () => Promise<ShownJobLimits[]> }

const run = z.strictObject({
  workflowId: z.string(),
  runId: z.string(),
  priority: z.int(),
  askedAt: instantShape,
})

const answer = z.strictObject({
  limits: z.array(
    z.strictObject({
      job: z.string(),
      concurrent: z.int().nullable(),
      perMinute: z.int().nullable(),
      atWork: z.array(run),
      waiting: z.array(run),
    }),
  ),
})

/** `GET /api/admin/scheduler/limits`. */
export function addJobLimitsRoute(app: Express, { readJobLimits }: JobLimitsDeps): void {
  addRoute(
    app,
    '/api/admin/scheduler/limits',
    {
      get: async (_request, response) => {
        response.json({ limits: await readJobLimits() })
      },
    },
    {
      get: {
        summary: 'Jobs with limits: who is at work, and who waits for a place',
        permission: 'operations.read',
        answers: { 200: answer },
      },
    },
  )
}
