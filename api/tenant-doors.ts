/**
 * What callers of a tenant are served from. They read over a database that is opened for them alone; what
 * they do to a thing is done by the house once they were seen to see it. Routes know nothing of this.
 */
import type { Database } from '../db/client.ts'
import { createAppealStore } from '../db/stores/appeal-store.ts'
import { createBookReads } from '../db/stores/book-reads.ts'
import { createPolicyDetailsStore } from '../db/stores/policy-details.ts'
import { createQuoteStore } from '../db/stores/quote-store.ts'
import { createTenantSight } from '../db/stores/tenant-sight.ts'
import type { IdempotencyStore } from '../domain/ports/idempotency-store.ts'
import type { TenantSight } from '../domain/ports/tenant-sight.ts'
import { ReviewNotFoundError } from '../operations/decide-review.ts'
import { PayoutNotFoundError } from '../operations/resolve-payout.ts'
import type { AppDeps } from './app.ts'
import { NoSuchJobRunError } from '../platform/temporal/job-runs.ts'
import type { ApiParts } from './parts.ts'
import { createReviewCases } from './review-cases.ts'
import { personsOf } from './tenant-persons.ts'

/** The house's doors, and what a tenant's are built over. */
export type TenantParts = Pick<ApiParts, 'client' | 'clock' | 'config' | 'keys'> & {
  readonly tenant: string
  /** Opened for the tenant. */
  readonly db: Database
  readonly house: AppDeps
}

/** The doors of one tenant. What is not named here is the house's, as are its routes. */
export function tenantDoors(parts: TenantParts): AppDeps {
  const { tenant, db, house } = parts
  const sight = createTenantSight(db)
  return {
    ...house,
    ...bookOf(parts, sight),
    ...sellingOf(parts, sight),
    payoutActions: payoutActionsOf(house, sight),
    reviewCases: reviewCasesOf(parts, sight),
    ...personsOf(parts, sight),
    tasks: tasksOf(parts),
    jobs: jobsOf(parts),
    idempotency: keyedFor(tenant, house.idempotency),
  }
}

function bookOf(
  { db, clock, house }: TenantParts,
  sight: TenantSight,
): Pick<AppDeps, 'reads' | 'appeals' | 'cancellations'> {
  const appealStore = createAppealStore(db)
  return {
    reads: createBookReads(db),
    appeals: {
      list: async (policyNumber) => appealStore.list(policyNumber, await clock.now()),
      file: async (appeal) =>
        (await sight.policy(appeal.policyNumber))
          ? house.appeals.file(appeal)
          : { kind: 'no-policy' },
    },
    cancellations: {
      cancel: async (input) =>
        (await sight.policy(input.policyNumber))
          ? house.cancellations.cancel(input)
          : { kind: 'no-policy' },
    },
  }
}

function sellingOf(
  { tenant, db, house }: TenantParts,
  sight: TenantSight,
): Pick<AppDeps, 'policies' | 'quotes'> {
  return {
    policies: {
      find: (policyNumber) => createPolicyDetailsStore(db).find(policyNumber),
      import: (rows, from) => house.policies.import(rows, { ...from, tenant, isTenantFixed: true }),
    },
    quotes: {
      find: (quoteId) => createQuoteStore(db).find(quoteId),
      async create(request) {
        if (request.tenant !== undefined && request.tenant !== tenant) {
          const reason = `is another than yours, ${tenant}: ${request.tenant}`
          return { ok: false, refusal: { field: 'tenant', reason } }
        }
        // Refs of tenants do not meet: the same key of two of them is two quotes.
        return house.quotes.create({ ...request, tenant, ref: `${tenant}|${request.ref}` })
      },
      bind: async (input) =>
        (await sight.quote(input.quoteId)) ? house.quotes.bind(input) : { kind: 'no-quote' },
    },
  }
}

function payoutActionsOf(house: AppDeps, sight: TenantSight): AppDeps['payoutActions'] {
  return {
    approve: async (note) =>
      (await sight.payout(note.payoutId))
        ? house.payoutActions.approve(note)
        : { approved: 0, held: 0, awaitingSecond: 0 },
    async correctPayee(correction) {
      const { payoutId } = correction
      if (!(await sight.payout(payoutId))) throw new PayoutNotFoundError(payoutId)
      return house.payoutActions.correctPayee(correction)
    },
  }
}

function reviewCasesOf(parts: TenantParts, sight: TenantSight): AppDeps['reviewCases'] {
  const { db, client, clock, config, house } = parts
  const seen = async (caseId: string): Promise<void> => {
    if (!(await sight.reviewCase(caseId))) throw new ReviewNotFoundError(caseId)
  }
  const own = createReviewCases({ db, client, clock, terms: config.jobTerms })
  return {
    show: (caseId) => own.show(caseId),
    async move(request) {
      await seen(request.caseId)
      return house.reviewCases.move(request)
    },
    async decide(request) {
      await seen(request.caseId)
      return house.reviewCases.decide(request)
    },
  }
}

/** Tasks carry their tenant themselves; a tenant looks at its own. */
function tasksOf({ tenant, house }: TenantParts): AppDeps['tasks'] {
  return {
    ...house.tasks,
    list: async (filter, page) =>
      filter.tenant === undefined || filter.tenant === tenant
        ? house.tasks.list({ ...filter, tenant }, page)
        : { items: [], nextCursor: null },
    async read(taskId) {
      const found = await house.tasks.read(taskId)
      return found?.task.tenant === tenant ? found : null
    },
  }
}

/** A run says whom it was started for. The server's lists do not: they are the house's. */
function jobsOf({ tenant, house }: TenantParts): AppDeps['jobs'] {
  return {
    ...house.jobs,
    async read(id, runId) {
      const run = await house.jobs.read(id, runId)
      if (run.tenant !== tenant) throw new NoSuchJobRunError(`no job has the id ${id}`)
      return run
    },
  }
}

/** Keys of tenants do not meet: the same key of two of them is two requests. */
function keyedFor(tenant: string, store: IdempotencyStore): IdempotencyStore {
  const own = <T extends { readonly scope: string }>(request: T): T => ({
    ...request,
    scope: `${tenant} ${request.scope}`,
  })
  return {
    claim: (request, leaseMs) => store.claim(own(request), leaseMs),
    answer: (request, answer) => store.answer(own(request), answer),
    release: (request, lockedUntil) => store.release(own(request), lockedUntil),
    forget: (request, lockedUntil) => store.forget(own(request), lockedUntil),
  }
}
