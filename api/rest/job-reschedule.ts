/** A run that waits for its time is given another. */
import type { Express } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { Instant } from '../../domain/time.ts'
import { NotReschedulableError } from '../../platform/temporal/run-rescheduler.ts'
import { noteText } from '../contract.ts'
import { onceByKey } from '../idempotency.ts'
import type { JobRun } from '../../platform/temporal/job-runs.ts'
import { ProblemError, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { jobRunShape } from '../shapes.ts'
import { requireNear } from './jobs.ts'
import { instantOf, notFound, pathText } from './read-query.ts'

/** What the route needs. Throws NotReschedulableError. */
export type RescheduleDeps = {
  readonly rescheduleJob: (
    run: { readonly id: string; readonly executeAt: Instant },
    note: { readonly by: string; readonly reason: string },
  ) => Promise<JobRun>
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/admin/scheduler/jobs/:id/reschedule'

const rescheduleBody = z.strictObject(
  {
    by: noteText,
    reason: noteText,
    executeAt: instantOf(z.string('an ISO-8601 instant with an offset')),
  },
  'a JSON object',
)

/** `POST /api/admin/scheduler/jobs/:id/reschedule`. */
export function addJobRescheduleRoute(app: Express, deps: RescheduleDeps): void {
  addRoute(
    app,
    PATH,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const id = pathText(request, 'id', 'job')
          const body: unknown = request.body
          const { executeAt, ...note } = parseInput(rescheduleBody, body, 'body')
          requireNear(executeAt, Date.now())
          const keyed = { scope: `POST ${PATH}`, body: { id, body } }
          const answer = await onceByKey(deps.idempotency, request, keyed, async () => {
            try {
              return { status: 200, body: await deps.rescheduleJob({ id, executeAt }, note) }
            } catch (error) {
              if (!(error instanceof NotReschedulableError)) throw error
              if (error.isUnknown) throw notFound('job')
              throw new ProblemError(409, 'conflict', error.message, { cause: error })
            }
          })
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    {
      post: {
        summary: 'Give a run that waits for its time another; a past time is now',
        permission: 'jobs.run',
        body: rescheduleBody,
        isKeyed: true,
        answers: { 200: jobRunShape },
      },
    },
  )
}
