/**
 * The only error map: what leaves an activity is an `ApplicationFailure` with a stable `type`, and
 * `nonRetryable` said for each. Messages carry ids, never personal data.
 */
import { ApplicationFailure, CancelledFailure } from '@temporalio/activity'

/** Stable types of failures; workflows and alerts tell failures apart by them. */
export const FAILURE_TYPES = {
  keyRingBroken: 'KeyRingBroken',
  auditTrailBroken: 'AuditTrailBroken',
  invalidInput: 'InvalidInput',
  notFound: 'NotFound',
  conflict: 'Conflict',
  databaseUnavailable: 'DatabaseUnavailable',
  databaseRefused: 'DatabaseRefused',
  providerUnavailable: 'ProviderUnavailable',
  unexpected: 'Unexpected',
} as const

/** The stable failure types that leave an activity. */
export type FailureType = (typeof FAILURE_TYPES)[keyof typeof FAILURE_TYPES]

type Mapped = { readonly type: FailureType; readonly nonRetryable: boolean }

/** Errors of ours, by `name`. An error that is not listed is `Unexpected` and is tried again. */
const BY_NAME: Readonly<Record<string, Mapped>> = {
  PolicyNotFoundError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  PayoutNotFoundError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  BatchNotFoundError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  UnknownProductError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  UnknownPeriodError: { type: FAILURE_TYPES.invalidInput, nonRetryable: true },
  UnknownTableError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  ReviewNotFoundError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  ReviewRefusedError: { type: FAILURE_TYPES.conflict, nonRetryable: true },
  ReviewDecisionError: { type: FAILURE_TYPES.invalidInput, nonRetryable: true },
  SecondApproverError: { type: FAILURE_TYPES.conflict, nonRetryable: true },
  IllegalTransitionError: { type: FAILURE_TYPES.conflict, nonRetryable: true },
  JobNotEnabledError: { type: FAILURE_TYPES.invalidInput, nonRetryable: true },
  JobInputError: { type: FAILURE_TYPES.invalidInput, nonRetryable: true },
  UnknownTemplateError: { type: FAILURE_TYPES.conflict, nonRetryable: false },
  // A file that people put right: tried again by the next run.
  KeyRingError: { type: FAILURE_TYPES.keyRingBroken, nonRetryable: true },
  // A file or a row that somebody changed: people look at it, nothing was removed.
  AuditArchiveError: { type: FAILURE_TYPES.auditTrailBroken, nonRetryable: true },
  AuditAnchorError: { type: FAILURE_TYPES.auditTrailBroken, nonRetryable: true },
  PaymentLookupError: { type: FAILURE_TYPES.providerUnavailable, nonRetryable: false },
  PrivacyRefusedError: { type: FAILURE_TYPES.notFound, nonRetryable: true },
  PersonTooLargeError: { type: FAILURE_TYPES.conflict, nonRetryable: true },
}

/**
 * SQLSTATE classes that the same statement meets again however often it is tried: data exceptions,
 * broken constraints, statements that do not fit the schema.
 */
const REFUSED_CLASSES = new Set(['22', '23', '42'])

/** SQLSTATE of an error of the database; other libraries' codes are longer or shorter than five. */
function sqlState(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return /^[0-9A-Z]{5}$/.test(code) && 'severity' in error ? code : undefined
}

function mapError(error: Error): Mapped {
  const known = BY_NAME[error.name]
  if (known !== undefined) return known
  const state = sqlState(error)
  if (state !== undefined) {
    const isRefused = REFUSED_CLASSES.has(state.slice(0, 2))
    return isRefused
      ? { type: FAILURE_TYPES.databaseRefused, nonRetryable: true }
      : { type: FAILURE_TYPES.databaseUnavailable, nonRetryable: false }
  }
  return { type: FAILURE_TYPES.unexpected, nonRetryable: false }
}

/** What an activity throws instead of `error`: failures of Temporal's own pass through. */
export function toFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error
  const cause = error instanceof Error ? error : new Error(String(error))
  const { type, nonRetryable } = mapError(cause)
  return ApplicationFailure.create({ message: cause.message, type, nonRetryable, cause })
}

/** Wraps each activity of a family so that only mapped failures leave it. */
export function mapFailures<
  Activities extends Record<string, (...args: never[]) => Promise<unknown>>,
>(activities: Activities): Activities {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    async (...args: never[]) => {
      try {
        return await activity(...args)
      } catch (error) {
        throw toFailure(error)
      }
    },
  ])
  return Object.fromEntries(entries) as Activities // same names, same signatures
}
