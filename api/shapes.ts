/** Shapes of answers that several routes or many callers share. The fuzz holds every answer to them. */
import { z } from 'zod'

import { APPEALABLE_STATES } from '../domain/appeal.ts'
import { JOB_PRIORITIES, type JobPriority } from '../jobs/define-job.ts'
import { RUN_STATUSES } from '../platform/temporal/job-runs.ts'

/** An instant of an answer: ISO-8601 in UTC. */
export const instantShape: z.ZodType = z.iso.datetime()

const instantOrNull = instantShape.nullable()

/** Whole minor units. */
export const minorShape: z.ZodType = z.int()

const product = z.strictObject({ code: z.string(), version: z.int() })

/** Any JSON object. */
export const objectShape: z.ZodType = z.record(z.string(), z.unknown())

/** A page of a list. */
export function pageShape(item: z.ZodType = objectShape): z.ZodType {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() })
}

/** A problem document of RFC 9457. */
export const problemShape: z.ZodType = z.strictObject({
  type: z.string().regex(/^urn:groundstop:problem:/),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string(),
  correlationId: z.string(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).optional(),
})

const progress = {
  done: z.int(),
  total: z.int().nullable(),
  message: z.string(),
}

const step = {
  step: z.string(),
  attempt: z.int(),
  done: z.int().nullable(),
  total: z.int().nullable(),
  lastFailure: z.string().nullable(),
}

const run = {
  id: z.string(),
  runId: z.string(),
  type: z.string(),
  name: z.string(),
  status: z.enum(RUN_STATUSES),
  priority: z.enum(JOB_PRIORITIES as [JobPriority, ...JobPriority[]]), // not empty
  tenant: z.string().nullable(),
  queue: z.string(),
  createdAt: instantShape,
  executeAt: instantShape,
  finishedAt: instantOrNull,
  durationMs: z.number().nullable(),
  state: z.string().nullable(),
  progress: z.strictObject(progress).nullable(),
}

/** There where the caller may not see what went in and came out. */
const withheld = z.literal(true).optional()

/** A run of a job. */
export const jobRunShape: z.ZodType = z.strictObject(run)

/** A run with its error, and with what went in and came out for those who may see it. */
export const jobRunDetailsShape: z.ZodType = z.strictObject({
  ...run,
  progress: z.strictObject({ ...progress, steps: z.array(z.strictObject(step)) }).nullable(),
  input: z.unknown().optional(),
  result: z.unknown().optional(),
  withheld,
  error: z.strictObject({ type: z.string(), message: z.string() }).nullable(),
})

/** A page of runs. */
export const jobRunPageShape: z.ZodType = z.strictObject({
  jobs: z.array(jobRunShape),
  nextCursor: z.string().nullable(),
})

/** One policy of a list. */
export const listedPolicyShape: z.ZodType = z.strictObject({
  policyNumber: z.string(),
  tenant: z.string(),
  product,
  state: z.string(),
  outcome: z.enum(['PAY', 'NO_PAY']).nullable(),
  legKey: z.string(),
  departureDate: z.iso.date(),
  insuredScheduledIn: instantShape,
  sumInsuredMinor: minorShape,
  amountMinor: minorShape.nullable(),
  currency: z.string(),
  decidedAt: instantOrNull,
})

/** One policy with its leg, decision and payouts. */
export const policyShape: z.ZodType = z.strictObject({
  policyNumber: z.string(),
  policyId: z.guid(),
  tenant: z.string(),
  product,
  state: z.string(),
  marketingIdent: z.string().nullable(),
  sumInsuredMinor: minorShape,
  currency: z.string(),
  premiumMinor: minorShape.nullable(),
  boundAt: instantShape,
  coverEnd: instantShape,
  insuredScheduledOut: instantShape,
  insuredScheduledIn: instantShape,
  leg: z.looseObject({ legKey: z.string(), phase: z.string(), departureDate: z.iso.date() }),
  endorsements: z.array(objectShape),
  decision: z
    .looseObject({ outcome: z.enum(['PAY', 'NO_PAY']), bps: z.int(), amountMinor: minorShape })
    .nullable(),
  payouts: z.array(z.looseObject({ payoutId: z.guid(), state: z.string() })),
})

/** An appeal against a policy's decision. */
export const appealShape: z.ZodType = z.strictObject({
  appealId: z.guid(),
  n: z.int(),
  caseId: z.guid(),
  reason: z.string(),
  evidence: z.string().nullable(),
  filedBy: z.string(),
  filedAt: instantShape,
  stateBefore: z.enum(APPEALABLE_STATES),
  result: z.enum(['STANDS', 'UPHELD']).nullable(),
  grounds: z.string().nullable(),
  moreMinor: minorShape.nullable(),
  decidedAt: instantOrNull,
})

/** The appeals of a policy, and whether another one would be taken. */
export const policyAppealsShape: z.ZodType = z.strictObject({
  policyNumber: z.string(),
  currency: z.string(),
  until: instantOrNull,
  refusal: z.strictObject({ code: z.string(), reason: z.string() }).nullable(),
  appeals: z.array(appealShape),
})

/** One payout of a list. */
export const listedPayoutShape: z.ZodType = z.strictObject({
  payoutId: z.guid(),
  policyNumber: z.string(),
  revision: z.int(),
  state: z.string(),
  amountMinor: minorShape,
  currency: z.string(),
  transferId: z.string().nullable(),
  createdAt: instantShape,
  paidAt: instantOrNull,
})

/** One event of the audit trail. */
export const auditEventShape: z.ZodType = z.strictObject({
  seq: z.int(),
  at: instantShape,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  details: z.unknown(),
  correlationId: z.string().nullable(),
  position: z.int().nullable(),
  hash: z.string().nullable(),
})
