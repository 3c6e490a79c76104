/** The audit trail over HTTP. */
import type { Express } from 'express'
import { z } from 'zod'

import type { AuditLog } from '../../domain/ports/audit-log.ts'
import { parseInstant } from '../../domain/time.ts'
import { parseInput } from '../problem.ts'
import { addRoute } from '../routes.ts'
import { auditEventShape, pageShape } from '../shapes.ts'
import { lookFor, pageFields, pageOrProblem } from './read-query.ts'

/** What the route needs. */
export type AuditDeps = { readonly reads: { readonly audit: AuditLog } }

const text = lookFor(255)

const instant = z.string().transform((value, context) => {
  try {
    return parseInstant(value)
  } catch {
    context.addIssue({ code: 'custom', message: 'an ISO-8601 instant with an offset or Z' })
    return z.NEVER
  }
})

const auditQuery = z.strictObject({
  ...pageFields,
  actor: text.optional(),
  action: text.optional(),
  subject: text.optional(),
  from: instant.optional(),
  until: instant.optional(),
})

/** `GET /api/audit` -> a page of events, the newest first. */
export function addAuditRoute(app: Express, { reads }: AuditDeps): void {
  addRoute(
    app,
    '/api/audit',
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(auditQuery, request.query, 'query')
        response.json(await pageOrProblem(reads.audit.list(filter, { limit, cursor })))
      },
    },
    {
      get: {
        summary: 'Who changed what, the newest first',
        permission: 'audit.read',
        query: auditQuery,
        answers: { 200: pageShape(auditEventShape) },
      },
    },
  )
}
