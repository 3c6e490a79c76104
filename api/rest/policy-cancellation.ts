/** A holder's cancellation over HTTP. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import type { CancelledPolicy } from '../../domain/ports/cancellation-store.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import { noteText } from '../contract.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { ProblemError, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { minorShape } from '../shapes.ts'
import { notFound, pathText } from './read-query.ts'

/** What the route needs. */
export type PolicyCancellationDeps = {
  readonly cancellations: {
    /** Idempotent by policy. */
    cancel(input: {
      readonly policyNumber: string
      readonly by: string
      readonly reason: string
    }): Promise<CancelledPolicy>
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/policies/:policyNumber/cancel'

const cancelBody = z.strictObject({ by: noteText, reason: noteText }, 'a JSON object')

const cancelled = z.strictObject({
  policyNumber: z.string(),
  result: z.enum(['cancelled', 'unchanged']),
  refundMinor: minorShape,
  currency: z.string(),
})

/** `POST /api/policies/:policyNumber/cancel` with `{by, reason}`. */
export function addPolicyCancellationRoute(app: Express, deps: PolicyCancellationDeps): void {
  addRoute(
    app,
    PATH,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const policyNumber = pathText(request, 'policyNumber', 'policy')
          const answer = await answerOnce(deps, request, policyNumber)
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    {
      post: {
        summary: "A holder's cancellation",
        permission: 'claims.decide',
        isForTenants: true,
        body: cancelBody,
        isKeyed: true,
        answers: { 200: cancelled },
      },
    },
  )
}

async function answerOnce(
  deps: PolicyCancellationDeps,
  request: Request,
  policyNumber: string,
): Promise<StoredAnswer> {
  const body: unknown = request.body
  const { by, reason } = parseInput(cancelBody, body, 'body')
  const scope = `POST ${PATH.replace(':policyNumber', policyNumber)}`
  return onceByKey(deps.idempotency, request, { scope, body }, async () => {
    const done = await deps.cancellations.cancel({ policyNumber, by, reason })
    switch (done.kind) {
      case 'cancelled': {
        const { isNew, refundMinor, currency } = done
        const result = isNew ? 'cancelled' : 'unchanged'
        return { status: 200, body: { policyNumber, result, refundMinor, currency } }
      }
      case 'refused': {
        const errors = [{ path: 'policyNumber', message: done.refusal.reason }]
        throw new ProblemError(409, 'conflict', done.refusal.reason, { errors })
      }
      case 'no-policy':
        throw notFound('policy')
    }
  })
}
