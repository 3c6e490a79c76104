/** What runs have logged: the lines of one run, or of every attempt of it. */
import type { Express } from 'express'
import { z } from 'zod'

import { LINE_LEVELS, type RunLogStore } from '../../domain/ports/run-log.ts'
import { parseInput } from '../problem.ts'
import { addRoute, type Contracts } from '../routes.ts'
import { pageShape } from '../shapes.ts'
import { instantOf, pageFields, pageOrProblem, pathText } from './read-query.ts'

/** What the route needs. */
export type JobLogsDeps = { readonly runLog: Pick<RunLogStore, 'list'> }

const query = z.strictObject({
  ...pageFields,
  runId: z.guid().toLowerCase().optional(),
  level: z.enum(LINE_LEVELS).optional(),
  since: instantOf(z.string('an ISO-8601 instant with an offset')).optional(),
})

const LOGS: Contracts = {
  get: {
    summary: 'What a run has logged, in the order of time; a run that logged nothing has no lines',
    // A line may name what went into a run.
    permission: 'payload.read',
    query,
    answers: { 200: pageShape() },
  },
}

/** `GET /api/admin/scheduler/jobs/:id/logs`. */
export function addJobLogRoutes(app: Express, { runLog }: JobLogsDeps): void {
  addRoute(
    app,
    '/api/admin/scheduler/jobs/:id/logs',
    {
      get: async (request, response) => {
        const workflowId = pathText(request, 'id', 'run')
        const { limit, cursor, ...filter } = parseInput(query, request.query, 'query')
        const page = runLog.list({ workflowId, ...filter }, { limit, cursor })
        response.json(await pageOrProblem(page))
      },
    },
    LOGS,
  )
}
