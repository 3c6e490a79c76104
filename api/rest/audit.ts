/** The audit trail over HTTP. */
import type { Express } from 'express'
import { z } from 'zod'

import type { AuditLog } from '../../domain/ports/audit-log.ts'
import { parseInput } from '../problem.ts'
import { addRoute } from '../routes.ts'
import { auditEventShape, pageShape } from '../shapes.ts'
import { instantOf, lookFor, pageFields, pageOrProblem } from './read-query.ts'

/** What the route needs. */
export type AuditDeps = { readonly reads: { readonly audit: AuditLog } }

const text = lookFor(255)

const instant = instantOf(z.string())

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
