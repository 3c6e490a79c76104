/** Appeals against a policy's decision over HTTP: take one, and see those made. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import { EVIDENCE_LIMIT, EVIDENCE_TEXT } from '../../domain/plain-text.ts'
import type { FiledAppeal, NewAppeal, PolicyAppeals } from '../../domain/ports/appeal-store.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import { noteText } from '../contract.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { ProblemError, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { appealShape, policyAppealsShape } from '../shapes.ts'
import { found, notFound, pathText } from './read-query.ts'

/** What the routes need. */
export type AppealsDeps = {
  readonly appeals: {
    /** The same `requestId` again is the same appeal. */
    file(input: Omit<NewAppeal, 'at'>): Promise<FiledAppeal>
    /** Null when there is no such policy. */
    list(policyNumber: string): Promise<PolicyAppeals | null>
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/policies/:policyNumber/appeals'

const evidenceText = z
  .string()
  .regex(EVIDENCE_TEXT, 'text without control characters')
  .trim()
  .min(1)
  .max(EVIDENCE_LIMIT)

const appealBody = z.strictObject(
  { by: noteText, reason: noteText, evidence: evidenceText.optional() },
  'a JSON object',
)

/** `POST /api/policies/:policyNumber/appeals` with `{by, reason, evidence}`, and `GET`. */
export function addAppealRoutes(app: Express, deps: AppealsDeps): void {
  addRoute(
    app,
    PATH,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const policyNumber = pathText(request, 'policyNumber', 'policy')
          const answer = await fileOnce(deps, request, policyNumber)
          response.status(answer.status).json(answer.body)
        },
      ],
      get: async (request, response) => {
        const policyNumber = pathText(request, 'policyNumber', 'policy')
        response.json(found(await deps.appeals.list(policyNumber), 'policy'))
      },
    },
    {
      post: {
        summary: "A holder's appeal against the decision",
        permission: 'claims.decide',
        isForTenants: true,
        body: appealBody,
        isKeyed: true,
        answers: { 201: appealShape },
      },
      get: {
        summary: 'The appeals of a policy, and whether another one would be taken',
        permission: 'book.read',
        isForTenants: true,
        answers: { 200: policyAppealsShape },
      },
    },
  )
}

async function fileOnce(
  deps: AppealsDeps,
  request: Request,
  policyNumber: string,
): Promise<StoredAnswer> {
  const body: unknown = request.body
  const { by, reason, evidence = null } = parseInput(appealBody, body, 'body')
  const scope = `POST ${PATH.replace(':policyNumber', policyNumber)}`
  return onceByKey(deps.idempotency, request, { scope, body }, async ({ key }) => {
    // The same key is the same request, also for a process that takes over from one that died.
    const requestId = key === null ? null : `${scope} ${key}`
    const done = await deps.appeals.file({ policyNumber, by, reason, evidence, requestId })
    switch (done.kind) {
      case 'filed':
        return { status: 201, body: done.appeal }
      case 'refused': {
        const { code, reason: why } = done.refusal
        throw new ProblemError(409, 'conflict', why, { errors: [{ path: code, message: why }] })
      }
      case 'no-policy':
        throw notFound('policy')
    }
  })
}
