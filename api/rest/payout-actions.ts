/** What people do to one payout over HTTP: approve it, correct its payee. */
import { randomUUID } from 'node:crypto'

import type { Express, Request } from 'express'
import { z } from 'zod'

import type { IdempotencyStore, StoredAnswer } from '../../domain/ports/idempotency-store.ts'
import { noteText, type Contract } from '../contract.ts'
import { onceByKey, type Attempt } from '../idempotency.ts'
import { parseInput, ProblemError } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { notFound } from './read-query.ts'

/** Who asks for it and why, for the audit trail. */
type Note = { readonly payoutId: string; readonly by: string; readonly reason: string }

/** What the routes need. */
export type PayoutActionDeps = {
  readonly payoutActions: {
    /** Throws SecondApproverError. */
    approve(note: Note & { readonly requestId: string }): Promise<{
      readonly approved: number
      readonly held: number
      readonly awaitingSecond: number
    }>
    /** Throws PayoutNotFoundError, PayeeFixedError and PayeeForeignError. */
    correctPayee(
      correction: Note & { readonly payeeRef: string },
    ): Promise<{ readonly isChanged: boolean; readonly state: string }>
  }
  readonly idempotency: IdempotencyStore
}

const noteBody = z.strictObject({ by: noteText, reason: noteText }, 'a JSON object')
const payeeBody = z.strictObject(
  {
    by: noteText,
    reason: noteText,
    payeeRef: z.string().regex(/^[\x21-\x7e]{1,255}$/, 'an account at the rail, as acct_1A2b'),
  },
  'a JSON object',
)

const CONTRACTS = {
  approve: {
    summary: 'Approve a payout that waits for a person',
    permission: 'claims.decide',
    isForTenants: true,
    body: noteBody,
    isKeyed: true,
    answers: {
      200: z.strictObject({ approved: z.int(), held: z.int(), awaitingSecond: z.int() }),
    },
  },
  payee: {
    summary: 'Correct where a payout goes',
    permission: 'claims.decide',
    isForTenants: true,
    body: payeeBody,
    isKeyed: true,
    answers: { 200: z.strictObject({ changed: z.boolean(), state: z.string() }) },
  },
} as const satisfies Record<string, Contract>

/** Errors of people's making; anything else is ours. */
const REFUSALS: Readonly<Record<string, 404 | 409>> = {
  PayoutNotFoundError: 404,
  PayeeFixedError: 409,
  PayeeForeignError: 409,
  SecondApproverError: 409,
}

/**
 * `POST /api/payouts/:payoutId/approve` with `{by, reason}` -> `{approved, held, awaitingSecond}`.
 * `POST /api/payouts/:payoutId/payee` with `{by, reason, payeeRef}` -> `{changed, state}`.
 */
export function addPayoutActionRoutes(app: Express, deps: PayoutActionDeps): void {
  addAction(app, deps, 'approve', async (payoutId, body, attempt) => {
    // A repeat under the same key is the same approval, not a second person's.
    const requestId = `api/${attempt.key ?? randomUUID()}`
    const note = parseInput(noteBody, body, 'body')
    return deps.payoutActions.approve({ payoutId, requestId, ...note })
  })
  addAction(app, deps, 'payee', async (payoutId, body) => {
    const correction = parseInput(payeeBody, body, 'body')
    const done = await deps.payoutActions.correctPayee({ payoutId, ...correction })
    return { changed: done.isChanged, state: done.state }
  })
}

function addAction(
  app: Express,
  { idempotency }: PayoutActionDeps,
  action: keyof typeof CONTRACTS,
  work: (payoutId: string, body: unknown, attempt: Attempt) => Promise<StoredAnswer['body']>,
): void {
  addRoute(
    app,
    `/api/payouts/:payoutId/${action}`,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const payoutId = payoutIdOf(request)
          const body: unknown = request.body
          const scope = `POST /api/payouts/${payoutId}/${action}`
          const answer = await onceByKey(
            idempotency,
            request,
            { scope, body },
            async (attempt) => ({
              status: 200,
              body: await work(payoutId, body, attempt).catch(refuse),
            }),
          )
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    { post: CONTRACTS[action] },
  )
}

function payoutIdOf(request: Request): string {
  const id = z.guid().toLowerCase().safeParse(request.params['payoutId'])
  if (!id.success) throw notFound('payout')
  return id.data
}

function refuse(error: unknown): never {
  const status = error instanceof Error ? REFUSALS[error.name] : undefined
  if (!(error instanceof Error) || status === undefined) throw error
  const code = status === 404 ? 'not-found' : 'conflict'
  throw new ProblemError(status, code, error.message, { cause: error })
}
