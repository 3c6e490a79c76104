/** What people read of the book: policies, legs, payouts, reviews, ledger and figures. Changes nothing. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import { explainDecision } from '../../domain/explain-decision.ts'
import { explainPolls } from '../../domain/explain-polls.ts'
import { PAYOUT_TRANSITIONS } from '../../domain/payout.ts'
import { ACCOUNT_KIND, IATA_CODE } from '../../domain/plain-text.ts'
import { POLICY_TRANSITIONS } from '../../domain/policy.ts'
import { EXPOSURE_GROUPS, LOSS_GROUPS, type BookFigures } from '../../domain/ports/book-figures.ts'
import type { ClockReading } from '../../domain/ports/clock.ts'
import type { ExplanationSource } from '../../domain/ports/explanation-source.ts'
import type { LedgerReads } from '../../domain/ports/ledger-reads.ts'
import type { LegReads } from '../../domain/ports/leg-reads.ts'
import type { PayoutReads } from '../../domain/ports/payout-reads.ts'
import type { PolicyEvaluationReads } from '../../domain/ports/policy-evaluations.ts'
import type { PolicyList } from '../../domain/ports/policy-list.ts'
import type { ReviewList } from '../../domain/ports/review-list.ts'
import { parseInput } from '../problem.ts'
import { addRoute, type Contracts, type Handler } from '../routes.ts'
import { listedPayoutShape, objectShape, pageShape } from '../shapes.ts'
import {
  found,
  localDate,
  lookFor,
  notFound,
  pageFields,
  pageOrProblem,
  pathText,
} from './read-query.ts'

/** What the routes need. */
export type BookReadsDeps = {
  readonly reads: {
    readonly policies: PolicyList
    readonly legs: LegReads
    readonly payouts: PayoutReads
    readonly reviews: ReviewList
    readonly ledger: LedgerReads
    readonly figures: BookFigures
    readonly explanations: ExplanationSource
    readonly evaluations: PolicyEvaluationReads
  }
  readonly readClock: () => Promise<ClockReading>
}

const code = lookFor(64)
const iata = z.string().regex(IATA_CODE, 'an IATA code of three capital letters')

/** Filters of the list of policies. */
export const policiesQuery = z.strictObject({
  ...pageFields,
  state: z.enum(Object.keys(POLICY_TRANSITIONS)).optional(),
  product: code.optional(),
  outcome: z.enum(['PAY', 'NO_PAY', 'NONE']).optional(),
  legKey: code.optional(),
  departureDate: localDate.optional(),
  tenant: lookFor(40).optional(),
})

const legsQuery = z.strictObject({
  ...pageFields,
  phase: code.optional(),
  carrier: code.optional(),
  origin: iata.optional(),
  destination: iata.optional(),
  departureDate: localDate.optional(),
  watched: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional(),
})

const legQuery = z.strictObject({
  seq: z.coerce.number().int().min(1).max(1_000_000).optional(),
})

const payoutsQuery = z.strictObject({
  ...pageFields,
  state: z.enum(Object.keys(PAYOUT_TRANSITIONS)).optional(),
  policyNumber: code.optional(),
  batchId: z.guid().toLowerCase().optional(),
})

const reviewsQuery = z.strictObject({
  ...pageFields,
  state: z.enum(['OPEN', 'CLAIMED', 'ESCALATED', 'RESOLVED']).optional(),
  reason: code.optional(),
  subjectKind: code.optional(),
  subjectId: z.guid().toLowerCase().optional(),
})

const accountsQuery = z.strictObject({
  ...pageFields,
  kind: z.string().regex(ACCOUNT_KIND, 'the text before the first colon, as pool').optional(),
})

const statementQuery = z.strictObject(pageFields)
const exposureQuery = z.strictObject({ by: z.enum(EXPOSURE_GROUPS) })
const lossQuery = z.strictObject({ by: z.enum(LOSS_GROUPS) })
const noQuery = z.strictObject({})

const figures = z.strictObject({ by: z.string(), items: z.array(objectShape) })

function read(summary: string, answer: z.ZodType, query: z.ZodObject): Contracts {
  const whose = { permission: 'book.read', isForTenants: true } as const
  return { get: { summary, ...whose, query, answers: { 200: answer } } }
}

/** What shows legs or accounts shows what others insure as well. */
function houseRead(
  summary: string,
  answer: z.ZodType,
  query: z.ZodObject,
  permission: 'book.read' | 'operations.read' = 'book.read',
): Contracts {
  return { get: { summary, permission, query, answers: { 200: answer } } }
}

/** `GET /api/policies`, answered beside the POST of the same path. */
export function listPolicies({ reads }: BookReadsDeps): Handler {
  return async (request, response) => {
    const { limit, cursor, ...filter } = parseInput(policiesQuery, request.query, 'query')
    response.json(await pageOrProblem(reads.policies.list(filter, { limit, cursor })))
  }
}

/** All reading routes but the list of policies. */
export function addBookReadRoutes(app: Express, deps: BookReadsDeps): void {
  addRoute(
    app,
    '/api/policies/:policyNumber/explanation',
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        const number = pathText(request, 'policyNumber', 'policy')
        const source = found(await deps.reads.explanations.read(number), 'policy')
        response.json(explainDecision(source))
      },
    },
    read('A decision in words for its holder', objectShape, noQuery),
  )
  addRoute(
    app,
    '/api/policies/:policyNumber/evaluations',
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        const number = pathText(request, 'policyNumber', 'policy')
        response.json(found(await deps.reads.evaluations.read(number), 'policy'))
      },
    },
    read('What the rules said of a policy, with the evidence', objectShape, noQuery),
  )
  addLegRoutes(app, deps)
  addPayoutRoutes(app, deps)
  addLedgerRoutes(app, deps)
  addFigureRoutes(app, deps)
}

function addLegRoutes(app: Express, { reads, readClock }: BookReadsDeps): void {
  addRoute(
    app,
    '/api/legs',
    {
      get: async (request, response) => {
        const query = parseInput(legsQuery, request.query, 'query')
        const { limit, cursor, watched: isWatched, ...filter } = query
        const page = reads.legs.list({ ...filter, isWatched }, { limit, cursor })
        response.json(await pageOrProblem(page))
      },
    },
    houseRead('Legs by departure date', pageShape(), legsQuery, 'operations.read'),
  )
  const readLeg = async (request: Request) => {
    const { seq } = parseInput(legQuery, request.query, 'query')
    return found(await reads.legs.find(pathText(request, 'legKey', 'leg'), seq), 'leg')
  }
  addRoute(
    app,
    '/api/legs/:legKey',
    {
      get: async (request, response) => {
        response.json(await readLeg(request))
      },
    },
    houseRead('One leg with all that is known of it', objectShape, legQuery, 'operations.read'),
  )
  addRoute(
    app,
    '/api/legs/:legKey/polls',
    {
      get: async (request, response) => {
        const leg = await readLeg(request)
        response.json(explainPolls(leg, (await readClock()).now))
      },
    },
    houseRead('When a leg is polled next and why', objectShape, legQuery, 'operations.read'),
  )
}

function addPayoutRoutes(app: Express, { reads }: BookReadsDeps): void {
  addRoute(
    app,
    '/api/payouts',
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(payoutsQuery, request.query, 'query')
        response.json(await pageOrProblem(reads.payouts.list(filter, { limit, cursor })))
      },
    },
    read('Payouts, the newest first', pageShape(listedPayoutShape), payoutsQuery),
  )
  addRoute(
    app,
    '/api/payouts/:payoutId',
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        const id = z.guid().toLowerCase().safeParse(request.params['payoutId'])
        if (!id.success) throw notFound('payout')
        response.json(found(await reads.payouts.find(id.data), 'payout'))
      },
    },
    read('One payout with its attempts and postings', objectShape, noQuery),
  )
  addRoute(
    app,
    '/api/reviews',
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(reviewsQuery, request.query, 'query')
        response.json(await pageOrProblem(reads.reviews.list(filter, { limit, cursor })))
      },
    },
    read('Review cases, what waits for people first', pageShape(), reviewsQuery),
  )
}

function addLedgerRoutes(app: Express, { reads }: BookReadsDeps): void {
  addRoute(
    app,
    '/api/ledger/accounts',
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(accountsQuery, request.query, 'query')
        response.json(await pageOrProblem(reads.ledger.accounts(filter, { limit, cursor })))
      },
    },
    houseRead('Accounts with what they hold', pageShape(), accountsQuery),
  )
  addRoute(
    app,
    '/api/ledger/accounts/:account/statement',
    {
      get: async (request, response) => {
        const page = parseInput(statementQuery, request.query, 'query')
        const account = pathText(request, 'account', 'account')
        response.json(await pageOrProblem(reads.ledger.statement(account, page)))
      },
    },
    houseRead('What moved on an account', pageShape(), statementQuery),
  )
}

function addFigureRoutes(app: Express, { reads }: BookReadsDeps): void {
  addRoute(
    app,
    '/api/exposure',
    {
      get: async (request, response) => {
        const { by } = parseInput(exposureQuery, request.query, 'query')
        response.json({ by, items: await reads.figures.exposure(by) })
      },
    },
    read('What is at risk, by a group', figures, exposureQuery),
  )
  addRoute(
    app,
    '/api/loss-ratio',
    {
      get: async (request, response) => {
        const { by } = parseInput(lossQuery, request.query, 'query')
        response.json({ by, items: await reads.figures.lossRatio(by) })
      },
    },
    read('What was lost, by a group', figures, lossQuery),
  )
}
