/** Every command of the command line: the route that does the same, or why there is none. */

/** How words of a command are said to its route. */
export type Counterpart = {
  /** `GET /api/policies/{policyNumber}`. */
  readonly route: string
  /** Fields of the positional arguments, in order: parts of the path, the query or the body. */
  readonly args?: readonly string[]
  /** Fields of options that are not called as their option is; null: the route has no such thing. */
  readonly options?: Readonly<Record<string, string | null>>
  /** Fields that no word says. */
  readonly fixed?: Readonly<Record<string, unknown>>
  /** What it prints with `--json` is not what the route answers: why. */
  readonly printsOtherwise?: string
  /** It may do a part of what it is told, and then says so by its exit code. */
  readonly isPartial?: true
}

const post = (path: string, ...args: string[]): Counterpart => ({ route: `POST ${path}`, args })
const get = (path: string, ...args: string[]): Counterpart => ({ route: `GET ${path}`, args })

const SCHEDULER = '/api/admin/scheduler'

const LETTERS: Counterpart['options'] = {
  state: 'filter.state',
  job: 'filter.job',
  errorType: 'filter.errorType',
  group: 'filter.groupId',
  version: 'filter.version',
  failedAfter: 'filter.failedAfter',
  failedBefore: 'filter.failedBefore',
  // An answer over HTTP must come within seconds; a command may take its time.
  rate: null,
}

const WHEN: Counterpart['options'] = {
  at: 'when.executeAt',
  every: 'when.every',
  cron: 'when.cron',
  zone: 'when.timezone',
  dst: 'when.dst',
  tolerance: 'toleranceMin',
}

const TASKS: Counterpart['options'] = {
  ...WHEN,
  tenant: 'filter.tenant',
  owner: 'filter.owner',
  job: 'filter.job',
  state: 'filter.state',
  since: 'filter.since',
  until: 'filter.until',
}

const bulk = (action: string): Counterpart => ({
  ...post('/api/tasks/bulk', 'filter.taskIds'),
  options: TASKS,
  fixed: { action },
  isPartial: true,
})

const letters = (action: string): Counterpart => ({
  ...post(`${SCHEDULER}/dead-letters/${action}`, 'filter.runIds'),
  options: LETTERS,
  isPartial: true,
})

/** Accounts are the caller's own tenant's over HTTP, and are named by id there. */
const OTHER_TENANTS: Counterpart['options'] = { tenant: null }
const user = (action: string): Counterpart => ({
  ...post(`/api/users/{userId}/${action}`, 'userId'),
  options: OTHER_TENANTS,
})

/** Commands with a route. */
export const COUNTERPARTS: Readonly<Record<string, Counterpart>> = {
  'airports show': get('/api/airports/{code}', 'code'),
  'api-keys create': {
    ...post('/api/api-keys', 'name'),
    options: { ...OTHER_TENANTS, expires: 'expiresAt', dpop: 'dpopThumbprint' },
  },
  'api-keys list': { ...get('/api/api-keys'), options: OTHER_TENANTS },
  'api-keys revoke': {
    ...post('/api/api-keys/{apiKeyId}/revoke', 'apiKeyId'),
    options: OTHER_TENANTS,
  },
  'audit list': get('/api/audit'),
  'clock show': { ...get('/api/clock'), printsOtherwise: 'the clock as it is kept' },
  'contacts erase': post('/api/contacts/{holderRef}/erase', 'holderRef'),
  'dead-letters discard': letters('discard'),
  'dead-letters groups': get(`${SCHEDULER}/dead-letters/groups`),
  'dead-letters list': { ...get(`${SCHEDULER}/dead-letters`), options: { group: 'groupId' } },
  'dead-letters redrive': letters('redrive'),
  'dead-letters show': get(`${SCHEDULER}/dead-letters/{runId}`, 'runId'),
  exposure: get('/api/exposure'),
  'jobs limits': get(`${SCHEDULER}/limits`),
  'jobs list': { ...get(`${SCHEDULER}/jobs`), options: { job: 'type' } },
  'jobs logs': {
    ...get(`${SCHEDULER}/jobs/{id}/logs`, 'id'),
    options: { run: 'runId' },
    printsOtherwise: 'an object a line, all pages',
  },
  'jobs reschedule': {
    ...post(`${SCHEDULER}/jobs/{id}/reschedule`, 'id'),
    options: { at: 'executeAt' },
  },
  'jobs run': { ...post(`${SCHEDULER}/jobs`, 'type'), options: { input: 'payload' } },
  'jobs show': { ...get(`${SCHEDULER}/jobs/{id}`, 'id'), options: { run: 'runId' } },
  'ledger accounts': get('/api/ledger/accounts'),
  'ledger statement': get('/api/ledger/accounts/{account}/statement', 'account'),
  'legs list': { ...get('/api/legs'), options: { departure: 'departureDate' } },
  'legs show': get('/api/legs/{legKey}', 'legKey'),
  'loss-ratio': get('/api/loss-ratio'),
  'notifications list': get('/api/notifications'),
  'notifications resend': post('/api/notifications/{notificationId}/resend', 'notificationId'),
  'notifications show': get('/api/notifications/{notificationId}', 'notificationId'),
  'notifications suppress': post('/api/notifications/{notificationId}/suppress', 'notificationId'),
  'payouts approve': post('/api/payouts/{payoutId}/approve', 'payoutId'),
  'payouts list': { ...get('/api/payouts'), options: { policy: 'policyNumber' } },
  'payouts pause': post('/api/payouts/controls/pause'),
  'payouts payee': post('/api/payouts/{payoutId}/payee', 'payoutId', 'payeeRef'),
  'payouts resume': post('/api/payouts/controls/resume'),
  'payouts show': get('/api/payouts/{payoutId}', 'payoutId'),
  'payouts status': get('/api/payouts/controls'),
  'policies appeal': post('/api/policies/{policyNumber}/appeals', 'policyNumber'),
  'policies appeals': get('/api/policies/{policyNumber}/appeals', 'policyNumber'),
  'policies cancel': post('/api/policies/{policyNumber}/cancel', 'policyNumber'),
  'policies evaluations': get('/api/policies/{policyNumber}/evaluations', 'policyNumber'),
  'policies explain': get('/api/policies/{policyNumber}/explanation', 'policyNumber'),
  'policies list': {
    ...get('/api/policies'),
    options: { leg: 'legKey', departure: 'departureDate' },
  },
  'policies show': get('/api/policies/{policyNumber}', 'policyNumber'),
  'polls explain': get('/api/legs/{legKey}/polls', 'legKey'),
  'privacy link': post('/api/privacy-requests/{requestId}/link', 'requestId'),
  'privacy list': { ...get('/api/privacy-requests'), options: { overdue: 'isOverdue' } },
  'privacy refuse': post('/api/privacy-requests/{requestId}/refuse', 'requestId'),
  'privacy request': post('/api/privacy-requests', 'holderRef'),
  'privacy show': get('/api/privacy-requests/{requestId}', 'requestId'),
  providers: get('/api/providers'),
  'queues limit': post(`${SCHEDULER}/queues/{name}/limit`, 'name', 'perSecond'),
  'queues list': {
    ...get(`${SCHEDULER}/queues`),
    printsOtherwise: 'pauses and limits alone, without who works',
  },
  'queues pause': post(`${SCHEDULER}/queues/{name}/pause`, 'name'),
  'queues resume': post(`${SCHEDULER}/queues/{name}/resume`, 'name'),
  'quotes bind': {
    ...post('/api/quotes/{quoteId}/bind', 'quoteId'),
    options: { payee: 'payee_ref', number: 'policy_number' },
  },
  'quotes create': {
    ...post('/api/quotes'),
    options: {
      from: 'origin',
      to: 'destination',
      date: 'departure_date',
      sum: 'sum_insured',
      ttl: 'ttl_s',
    },
  },
  'quotes show': get('/api/quotes/{quoteId}', 'quoteId'),
  'report list': get('/api/reports'),
  'report show': get('/api/figures/{kind}/{period}', 'kind', 'period'),
  'reviews claim': post('/api/reviews/{caseId}/claim', 'caseId'),
  'reviews decide': post('/api/reviews/{caseId}/decide', 'caseId'),
  'reviews escalate': post('/api/reviews/{caseId}/escalate', 'caseId'),
  'reviews list': get('/api/reviews'),
  'reviews release': post('/api/reviews/{caseId}/release', 'caseId'),
  'reviews show': get('/api/reviews/{caseId}', 'caseId'),
  'schedules backfill': post(`${SCHEDULER}/schedules/{name}/backfill`, 'name'),
  'schedules disable': post(`${SCHEDULER}/schedules/{name}/disable`, 'name'),
  'schedules enable': post(`${SCHEDULER}/schedules/{name}/enable`, 'name'),
  'schedules history': get(`${SCHEDULER}/schedules/{name}/history`, 'name'),
  'schedules list': get(`${SCHEDULER}/schedules`),
  'schedules preview': {
    ...get(`${SCHEDULER}/schedules/preview`, 'job'),
    options: { zone: 'timezone' },
  },
  'schedules show': get(`${SCHEDULER}/schedules/{name}`, 'name'),
  'settings get': get(`${SCHEDULER}/settings/{key}`, 'key'),
  'settings list': get(`${SCHEDULER}/settings`),
  'settings reset': {
    route: `DELETE ${SCHEDULER}/settings/{key}`,
    args: ['key'],
    options: { ifVersion: 'version' },
  },
  'settings set': {
    ...post(`${SCHEDULER}/settings/{key}`, 'key', 'value'),
    options: { ifVersion: 'version' },
  },
  'tasks cancel': bulk('cancel'),
  'tasks create': {
    ...post('/api/tasks', 'type'),
    options: { ...WHEN, input: 'payload' },
  },
  'tasks list': get('/api/tasks'),
  'tasks pause': bulk('pause'),
  'tasks reschedule': bulk('reschedule'),
  'tasks resume': bulk('resume'),
  'tasks show': get('/api/tasks/{taskId}', 'taskId'),
  'tasks stats': get('/api/tasks/statistics'),
  'users disable': user('disable'),
  'users enable': user('enable'),
  'users list': { ...get('/api/users'), options: OTHER_TENANTS },
  'users revoke-sessions': user('revoke-sessions'),
  'users role': {
    ...post('/api/users/{userId}/role', 'userId', 'role'),
    options: OTHER_TENANTS,
  },
  'windows close': post(`${SCHEDULER}/windows/{windowId}/close`, 'windowId'),
  'windows list': get(`${SCHEDULER}/windows`),
  'windows open': { ...post(`${SCHEDULER}/windows`), options: { job: 'jobs' } },
}

/** Commands without a route that read, or change little: held to every rule but that of the same answer. */
export const ALONE: Readonly<Record<string, string>> = {
  'audit verify': 'reads the whole trail and its archives',
  'completion bash': 'prints a script',
  'completion fish': 'prints a script',
  'completion words': 'answers the scripts',
  'completion zsh': 'prints a script',
  'jobs types': 'prints the registry',
  'providers probe': 'workers do it with their next check',
  'schedules plan': 'compares the server with this code',
  'secrets list': 'reads the ring of this machine',
  status: 'the figures of the screen of `start`',
  'users create-admin': 'the first account of all, without anybody to ask',
  verify: 'reads the whole book',
}

/** Commands that are not run here, with the reason: they are held to the rules of usage alone. */
export const NOT_RUN: Readonly<Record<string, string>> = {
  api: 'runs until it is stopped',
  backtest: 'decides a year of flights, without an installation',
  'clock run': 'waits for the work of workers',
  'clock set': 'moves the time that everything else is compared at',
  'clock step': 'waits for the work of workers',
  'contacts import': 'takes a file, whose rows are fuzzed by themselves',
  'decisions export': 'writes the file that it is told to',
  'demo seed': 'makes a home',
  'jobs watch': 'waits for the end of a run',
  'legs cut': 'writes the file that it is told to',
  migrate: 'makes the tables',
  'policies import': 'takes a file, whose rows are fuzzed by themselves',
  'report run': 'is `jobs run` of a job, in other words',
  'runs rebuild': 'makes the kept runs anew from the server',
  'schedules apply': 'makes schedules, which would then fire',
  'secrets init': 'makes a file',
  'secrets rotate': 'waits for the end of a run',
  'simulator flights': 'runs until it is stopped',
  'simulator mail': 'runs until it is stopped',
  'simulator payments': 'runs until it is stopped',
  start: 'runs until it is stopped',
  worker: 'runs until it is stopped',
}
