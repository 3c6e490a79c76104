/** Review cases for the people who decide them: evidence, claim, decide, escalate, release. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import {
  parseReviewDecision,
  REVIEW_OUTCOMES,
  ReviewDecisionError,
  type ReviewDecision,
} from '../../domain/review-decision.ts'
import { SecondApproverError } from '../../operations/approve-payouts.ts'
import {
  ReviewNotFoundError,
  ReviewRefusedError,
  type ReviewActed,
  type ReviewRequest,
} from '../../operations/decide-review.ts'
import { noteText } from '../contract.ts'
import { onceByKey, type Attempt } from '../idempotency.ts'
import { invalidRequest, parseInput, ProblemError } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { objectShape } from '../shapes.ts'
import { found, notFound } from './read-query.ts'

/** What people do to a case, beside deciding it. */
export type ReviewMove = 'claim' | 'release' | 'escalate'

/** What the routes need. */
export type ReviewsDeps = {
  readonly reviewCases: {
    /** Null when there is no such case. */
    show(caseId: string): Promise<unknown>
    move(request: ReviewRequest & { readonly action: ReviewMove }): Promise<ReviewActed>
    decide(request: ReviewRequest & { readonly decision: ReviewDecision }): Promise<ReviewActed>
  }
  readonly idempotency: IdempotencyStore
}

const CASE_PATH = '/api/reviews/:caseId'

const note = { by: noteText, reason: noteText }

const moveBody = z.strictObject(note, 'a JSON object')

const decideBody = z.strictObject(
  {
    ...note,
    outcome: z.enum(REVIEW_OUTCOMES),
    bps: z.number().optional(),
    delayMin: z.number().optional(),
    event: z.string().optional(),
    until: z.string().optional(),
  },
  'a JSON object',
)

/**
 * `GET /api/reviews/:caseId` -> the evidence. `POST .../claim`, `.../release`, `.../escalate` with
 * `{by, reason}` and `.../decide` with `{by, reason, outcome, ...}` -> the case after it.
 */
export function addReviewRoutes(app: Express, deps: ReviewsDeps): void {
  addRoute(
    app,
    CASE_PATH,
    {
      get: async (request, response) => {
        response.json(found(await deps.reviewCases.show(caseIdOf(request)), 'review case'))
      },
    },
    {
      get: {
        summary: 'A review case with its evidence',
        permission: 'book.read',
        isForTenants: true,
        answers: { 200: objectShape },
      },
    },
  )
  for (const action of ['claim', 'release', 'escalate'] as const) {
    post(app, deps, action, (request, body) => {
      const said = parseInput(moveBody, body, 'body')
      return deps.reviewCases.move({ ...request, ...said, action })
    })
  }
  post(app, deps, 'decide', (request, body) => {
    const { by, reason, ...fields } = parseInput(decideBody, body, 'body')
    return deps.reviewCases.decide({ ...request, by, reason, decision: decisionOf(fields) })
  })
}

const SUMMARIES = {
  claim: 'Take a review case',
  release: 'Give a review case back',
  escalate: 'Hand a review case up',
  decide: 'Decide a review case',
} as const

type Act = (
  request: Pick<ReviewRequest, 'caseId' | 'requestId'>,
  body: unknown,
) => Promise<ReviewActed>

function post(app: Express, deps: ReviewsDeps, action: ReviewMove | 'decide', act: Act): void {
  addRoute(
    app,
    `${CASE_PATH}/${action}`,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const caseId = caseIdOf(request)
          const body: unknown = request.body
          const scope = `POST /api/reviews/${caseId}/${action}`
          const answer = await onceByKey(
            deps.idempotency,
            request,
            { scope, body },
            async (attempt) => {
              const acted = act({ caseId, ...requestOf(scope, attempt) }, body)
              return { status: 200, body: await acted.catch(explain) }
            },
          )
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    {
      post: {
        summary: SUMMARIES[action],
        permission: 'claims.decide',
        isForTenants: true,
        body: action === 'decide' ? decideBody : moveBody,
        isKeyed: true,
        answers: { 200: objectShape },
      },
    },
  )
}

/** The same key is the same request, also for a process that takes over from one that died. */
function requestOf(scope: string, { key }: Attempt): { requestId?: string } {
  return key === null ? {} : { requestId: `${scope} ${key}` }
}

function caseIdOf(request: Request): string {
  const id = z.guid().toLowerCase().safeParse(request.params['caseId'])
  if (!id.success) throw notFound('review case')
  return id.data
}

function decisionOf(fields: Parameters<typeof parseReviewDecision>[0]): ReviewDecision {
  try {
    return parseReviewDecision(fields)
  } catch (error) {
    if (!(error instanceof ReviewDecisionError)) throw error
    throw invalidRequest([{ path: error.field, message: error.message }])
  }
}

function explain(error: unknown): never {
  if (error instanceof ReviewNotFoundError) throw notFound('review case')
  if (error instanceof ReviewRefusedError || error instanceof SecondApproverError) {
    throw new ProblemError(409, 'conflict', error.message, {
      errors: [{ path: error.code, message: error.message }],
      cause: error,
    })
  }
  throw error
}
