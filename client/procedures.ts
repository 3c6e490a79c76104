/**
 * The names that routes go by at the doors that call procedures: tRPC and the typed client. A route of
 * JSON that is not open to everybody has exactly one; the API does not start without.
 */

/** Group, name, and the route that is called. */
export const PROCEDURES = {
  clock: { read: 'GET /api/clock' },
  scheduler: {
    getStatus: 'GET /api/admin/scheduler/status',
    listJobs: 'GET /api/admin/scheduler/schedules',
    getJobStatus: 'GET /api/admin/scheduler/schedules/:name',
    getJobHistory: 'GET /api/admin/scheduler/schedules/:name/history',
    runJob: 'POST /api/admin/scheduler/schedules/:name/run',
    enableJob: 'POST /api/admin/scheduler/schedules/:name/enable',
    disableJob: 'POST /api/admin/scheduler/schedules/:name/disable',
    backfillJob: 'POST /api/admin/scheduler/schedules/:name/backfill',
    previewSchedule: 'GET /api/admin/scheduler/schedules/preview',
    listRuns: 'GET /api/admin/scheduler/jobs',
    startRun: 'POST /api/admin/scheduler/jobs',
    getRun: 'GET /api/admin/scheduler/jobs/:id',
    cancelRun: 'DELETE /api/admin/scheduler/jobs/:id',
    rescheduleRun: 'POST /api/admin/scheduler/jobs/:id/reschedule',
    listRunLogs: 'GET /api/admin/scheduler/jobs/:id/logs',
    listLimits: 'GET /api/admin/scheduler/limits',
    listWindows: 'GET /api/admin/scheduler/windows',
    openWindow: 'POST /api/admin/scheduler/windows',
    closeWindow: 'POST /api/admin/scheduler/windows/:windowId/close',
    listCoverSwitches: 'GET /api/admin/scheduler/cover',
  },
  queues: {
    list: 'GET /api/admin/scheduler/queues',
    get: 'GET /api/admin/scheduler/queues/:name',
    limit: 'POST /api/admin/scheduler/queues/:name/limit',
    pause: 'POST /api/admin/scheduler/queues/:name/pause',
    resume: 'POST /api/admin/scheduler/queues/:name/resume',
  },
  deadLetters: {
    list: 'GET /api/admin/scheduler/dead-letters',
    listGroups: 'GET /api/admin/scheduler/dead-letters/groups',
    get: 'GET /api/admin/scheduler/dead-letters/:runId',
    redrive: 'POST /api/admin/scheduler/dead-letters/redrive',
    discard: 'POST /api/admin/scheduler/dead-letters/discard',
  },
  tasks: {
    list: 'GET /api/tasks',
    create: 'POST /api/tasks',
    getStatistics: 'GET /api/tasks/statistics',
    changeMany: 'POST /api/tasks/bulk',
    get: 'GET /api/tasks/:taskId',
    remove: 'DELETE /api/tasks/:taskId',
    pause: 'POST /api/tasks/:taskId/pause',
    resume: 'POST /api/tasks/:taskId/resume',
    reschedule: 'POST /api/tasks/:taskId/reschedule',
  },
  settings: {
    list: 'GET /api/admin/scheduler/settings',
    get: 'GET /api/admin/scheduler/settings/:key',
    change: 'POST /api/admin/scheduler/settings/:key',
    reset: 'DELETE /api/admin/scheduler/settings/:key',
  },
  codec: { decode: 'POST /api/codec/decode', encode: 'POST /api/codec/encode' },
  policies: {
    list: 'GET /api/policies',
    bind: 'POST /api/policies',
    get: 'GET /api/policies/:policyNumber',
    cancel: 'POST /api/policies/:policyNumber/cancel',
    explain: 'GET /api/policies/:policyNumber/explanation',
    listAppeals: 'GET /api/policies/:policyNumber/appeals',
    appeal: 'POST /api/policies/:policyNumber/appeals',
    listEvaluations: 'GET /api/policies/:policyNumber/evaluations',
  },
  quotes: {
    create: 'POST /api/quotes',
    get: 'GET /api/quotes/:quoteId',
    bind: 'POST /api/quotes/:quoteId/bind',
  },
  payouts: {
    list: 'GET /api/payouts',
    get: 'GET /api/payouts/:payoutId',
    approve: 'POST /api/payouts/:payoutId/approve',
    setPayee: 'POST /api/payouts/:payoutId/payee',
    getControls: 'GET /api/payouts/controls',
    pause: 'POST /api/payouts/controls/pause',
    resume: 'POST /api/payouts/controls/resume',
  },
  providers: { list: 'GET /api/providers' },
  airports: { get: 'GET /api/airports/:code' },
  legs: {
    list: 'GET /api/legs',
    get: 'GET /api/legs/:legKey',
    listPolls: 'GET /api/legs/:legKey/polls',
  },
  reviews: {
    list: 'GET /api/reviews',
    get: 'GET /api/reviews/:caseId',
    claim: 'POST /api/reviews/:caseId/claim',
    release: 'POST /api/reviews/:caseId/release',
    escalate: 'POST /api/reviews/:caseId/escalate',
    decide: 'POST /api/reviews/:caseId/decide',
  },
  ledger: {
    listAccounts: 'GET /api/ledger/accounts',
    getStatement: 'GET /api/ledger/accounts/:account/statement',
  },
  book: {
    getExposure: 'GET /api/exposure',
    getLossRatio: 'GET /api/loss-ratio',
    getFigures: 'GET /api/figures/:kind/:period',
  },
  reports: { list: 'GET /api/reports', get: 'GET /api/reports/:report/:period' },
  notifications: {
    list: 'GET /api/notifications',
    get: 'GET /api/notifications/:notificationId',
    resend: 'POST /api/notifications/:notificationId/resend',
    suppress: 'POST /api/notifications/:notificationId/suppress',
  },
  contacts: {
    keep: 'POST /api/contacts',
    erase: 'POST /api/contacts/:holderRef/erase',
  },
  privacyRequests: {
    list: 'GET /api/privacy-requests',
    get: 'GET /api/privacy-requests/:requestId',
    receive: 'POST /api/privacy-requests',
    refuse: 'POST /api/privacy-requests/:requestId/refuse',
    putLink: 'POST /api/privacy-requests/:requestId/link',
  },
  audit: { list: 'GET /api/audit' },
  users: {
    list: 'GET /api/users',
    create: 'POST /api/users',
    get: 'GET /api/users/:userId',
    setRole: 'POST /api/users/:userId/role',
    disable: 'POST /api/users/:userId/disable',
    enable: 'POST /api/users/:userId/enable',
    revokeSessions: 'POST /api/users/:userId/revoke-sessions',
  },
  apiKeys: {
    list: 'GET /api/api-keys',
    create: 'POST /api/api-keys',
    get: 'GET /api/api-keys/:apiKeyId',
    revoke: 'POST /api/api-keys/:apiKeyId/revoke',
  },
} as const

/** What the input of a procedure is made of, beside the parts of the route's path and its query. */
export type ProcedureInput = Readonly<Record<string, unknown>>

/** A call as the route is asked. */
export type RouteCall = {
  readonly method: string
  /** The path with its query. */
  readonly url: string
  /** JSON; `{}` when none is given, undefined for a read. */
  readonly body: unknown
  readonly idempotencyKey: string | undefined
}

/** An input that makes no call. */
export class ProcedureInputError extends Error {
  override readonly name = 'ProcedureInputError'
  /** The field that is wrong. */
  readonly path: string

  constructor(path: string, message: string) {
    super(message)
    this.path = path
  }
}

/**
 * The call of `GET /api/x/:name` for `{ name, ...query, body?, idempotencyKey? }`. Fields that are
 * neither body nor part of the path are the query. Throws ProcedureInputError.
 */
export function routeCall(route: string, input: unknown): RouteCall {
  const [method = '', pattern = ''] = route.split(' ')
  const { body, idempotencyKey, ...rest } = fieldsOf(input)
  if (idempotencyKey !== undefined && typeof idempotencyKey !== 'string') {
    throw new ProcedureInputError('idempotencyKey', 'must be text')
  }
  const asked = new Map(Object.entries(rest).filter(([, value]) => value !== undefined))
  const path = pattern.replaceAll(/:(\w+)/g, (_part, name: string) => {
    const value = textOf(name, asked.get(name))
    asked.delete(name)
    return segment(name, value)
  })
  const query = [...asked].map(
    ([name, value]) => `${encoded(name, name)}=${encoded(name, textOf(name, value))}`,
  )
  const url = query.length === 0 ? path : `${path}?${query.join('&')}`
  const sent = body === undefined ? {} : body
  return { method, url, body: method === 'GET' ? undefined : sent, idempotencyKey }
}

function fieldsOf(input: unknown): ProcedureInput {
  if (input === undefined) return {}
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new ProcedureInputError('input', 'must be an object')
  }
  return input as ProcedureInput // an object with names
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new ProcedureInputError(name, 'must be text, a number or true or false')
}

/** One part of a path: a dot alone would be another path. */
function segment(name: string, value: string): string {
  if (value === '') throw new ProcedureInputError(name, 'must not be empty')
  return encoded(name, value).replaceAll('.', '%2E')
}

function encoded(name: string, value: string): string {
  try {
    return encodeURIComponent(value)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    throw new ProcedureInputError(name, 'holds half a character')
  }
}
