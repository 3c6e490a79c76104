/** What went wrong with a call to AeroAPI, in the port's terms. */
import type {
  ProviderFailure,
  ProviderFailureKind,
} from '../../domain/ports/flight-data-provider.ts'

/** The service sends no Retry-After with a 429; a rate of 5 a second recovers well within this. */
const THROTTLED_RETRY_MS = 2_000
const SECOND_MS = 1_000
const DETAIL_LENGTH_LIMIT = 200

const RETRYABLE: readonly ProviderFailureKind[] = ['THROTTLED', 'UNAVAILABLE', 'MALFORMED']

/** A failure of a kind; whether to retry follows from it. */
export function failure(
  kind: ProviderFailureKind,
  message: string,
  details: {
    httpStatus?: number | null
    retryAfterMs?: number
    isPlanRefusal?: boolean
  } = {},
): ProviderFailure {
  return {
    ok: false,
    kind,
    message,
    isRetryable: RETRYABLE.includes(kind),
    httpStatus: details.httpStatus ?? null,
    ...(details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
    ...(details.isPlanRefusal === true ? { isPlanRefusal: true } : {}),
  }
}

/** The failure that an answer other than 200 stands for. */
export function failureOfStatus(
  httpStatus: number,
  body: string,
  retryAfter: string | null,
): ProviderFailure {
  const { reason, text } = describeProblem(body)
  const message = `HTTP ${httpStatus}${text === '' ? '' : `: ${text}`}`
  if (httpStatus === 401 || httpStatus === 403) return failure('AUTH', message, { httpStatus })
  if (httpStatus === 402 || reason.includes('QUOTA'))
    return failure('QUOTA', message, { httpStatus })
  if (httpStatus === 404) return failure('NOT_FOUND', message, { httpStatus })
  if (httpStatus === 429) {
    return failure('THROTTLED', message, { httpStatus, retryAfterMs: retryMs(retryAfter) })
  }
  if (httpStatus === 408 || httpStatus >= 500)
    return failure('UNAVAILABLE', message, { httpStatus })
  if (httpStatus >= 400) return failure('BAD_REQUEST', message, { httpStatus })
  // A redirect or an empty success is not an answer of this API.
  return failure('MALFORMED', message, { httpStatus })
}

function retryMs(header: string | null): number {
  const seconds = Number(header)
  return header !== null && seconds > 0 ? seconds * SECOND_MS : THROTTLED_RETRY_MS
}

/** `{title, reason, detail, status}`, if the body is that. */
function describeProblem(body: string): { reason: string; text: string } {
  let problem: unknown
  try {
    problem = JSON.parse(body)
  } catch {
    return { reason: '', text: '' } // an error page: its status says enough
  }
  if (typeof problem !== 'object' || problem === null) return { reason: '', text: '' }
  const field = (name: string) => {
    const value: unknown = Reflect.get(problem, name)
    return typeof value === 'string' ? value.slice(0, DETAIL_LENGTH_LIMIT) : ''
  }
  const reason = field('reason')
  const text = [reason, field('detail') || field('title')].filter((part) => part !== '').join(': ')
  return { reason, text }
}
