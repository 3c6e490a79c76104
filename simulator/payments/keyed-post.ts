/**
 * A POST with the idempotency of the real service: the first result of a key is stored once execution
 * begins and replayed for a day, a 500 too; what fails before that is not stored.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { toMs } from '../../domain/time.ts'
import type { Answer, Reply, SimulatorRequest } from '../http-server.ts'
import type { LogEntry } from './money-log.ts'
import type { PaymentDeps } from './payment-server.ts'
import { renderError } from './transfer.ts'
import { formFingerprint } from './transfer-form.ts'

/** The dialect's limit on a key's length. */
const KEY_LENGTH_LIMIT = 255
const DEFAULT_LATENCY_MS = 1_000

/** A request that is to be carried out. */
export type Execution<Form> = {
  readonly form: Form
  readonly key: string | null
  /** What faults are drawn for: the key and the destination. */
  readonly subject: string
  /** Virtual time, epoch seconds. */
  readonly createdS: number
}

/** What moves: its entry for the log without what the key needs, and its object. */
export type Movement = { readonly entry: MoneyEntry; readonly body: string }

type WithoutKey<Entry> = Entry extends unknown
  ? Omit<Entry, 'idempotencyKey' | 'fingerprint' | 'storedStatus' | 'storedBody'>
  : never

type MoneyEntry = WithoutKey<Exclude<LogEntry, { kind: 'refusal' }>>

/** One kind of POST. */
export type KeyedPost<Form> = {
  /** The account that the money goes to. */
  readonly destinationOf: (form: URLSearchParams, request: SimulatorRequest) => string
  /** What tells equal forms of other paths or accounts apart; empty for transfers. */
  readonly scopeOf: (request: SimulatorRequest) => string
  /** The checked form, or the 400 that the dialect answers with. */
  readonly check: (form: URLSearchParams, request: SimulatorRequest) => Form | Answer
  readonly move: (execution: Execution<Form>) => Movement
  /** What the service says when the balance is short. */
  readonly shortMessage: string
}

/** The handlers of a server; a key under way at one of them is under way at all. */
export function createKeyedPosts(deps: PaymentDeps) {
  const inProgress = new Set<string>()

  return function keyedPost<Form extends object>(
    post: KeyedPost<Form>,
  ): (request: SimulatorRequest) => Promise<Reply> {
    return async (request) => {
      const form = new URLSearchParams(request.body)
      const key = headerOf(request, 'idempotency-key')
      const destination = post.destinationOf(form, request)
      const subject = `${key ?? ''}|${destination}`
      if (deps.faults.isActive) {
        const fault = transientFault(deps, subject)
        if (fault !== null) return fault
      }
      if (key !== null && key.length > KEY_LENGTH_LIMIT) {
        return refusal(400, 'Idempotency-Key too long')
      }
      const nowMs = toMs(await deps.clock.now())
      const fingerprint = `${post.scopeOf(request)}${formFingerprint(form)}`
      const replay = key === null ? null : replayFor(deps, inProgress, { key, fingerprint, nowMs })
      if (replay !== null) return replay
      const checked = post.check(form, request)
      if ('status' in checked) return checked
      if (deps.faults.hits('invalidDestination', subject) !== null) {
        return noSuchDestination(destination)
      }
      if (key !== null) inProgress.add(key)
      try {
        const createdS = Math.floor(nowMs / 1_000)
        const execution = { form: checked, key, subject, createdS }
        return await execute(deps, post, execution, fingerprint)
      } finally {
        if (key !== null) inProgress.delete(key)
      }
    }
  }
}

/** What the idempotency layer answers by itself, or null when the request is to be carried out. */
function replayFor(
  deps: PaymentDeps,
  inProgress: ReadonlySet<string>,
  request: { key: string; fingerprint: string; nowMs: number },
): Answer | null {
  if (inProgress.has(request.key)) return keyInUse(request.key)
  const stored = deps.book.storedAnswer(request.key, request.nowMs)
  if (stored === null) return null
  if (stored.fingerprint !== request.fingerprint) {
    const message =
      'Keys for idempotent requests can only be used with the same parameters they were first used ' +
      `with. Try using a key other than '${request.key}' if you meant to execute a different request.`
    return { status: 400, body: renderError('idempotency_error', message) }
  }
  const headers = { 'idempotent-replayed': 'true', 'idempotency-key': request.key }
  return { status: stored.status, body: stored.body, headers }
}

async function execute<Form>(
  deps: PaymentDeps,
  post: KeyedPost<Form>,
  execution: Execution<Form>,
  fingerprint: string,
): Promise<Reply> {
  const { faults } = deps
  const { subject, key } = execution
  const latency = faults.hits('latency', subject)
  if (latency !== null) await sleep(latency.ms ?? DEFAULT_LATENCY_MS)
  const keyed = { idempotencyKey: key, fingerprint }
  if (faults.hits('insufficientFunds', subject)) {
    const code = 'balance_insufficient'
    const body = renderError('invalid_request_error', post.shortMessage, { code })
    return await refuse(deps, { ...keyed, created: execution.createdS }, { status: 400, body })
  }
  if (faults.hits('stored500', subject)) {
    const body = renderError('api_error', 'An unknown error occurred')
    return await refuse(deps, { ...keyed, created: execution.createdS }, { status: 500, body })
  }
  const { entry, body } = post.move(execution)
  const isMoved500 = faults.hits('moved500', subject) !== null
  const stored = { storedStatus: 500, storedBody: renderError('api_error', 'An unknown error') }
  // The spread loses which kind the entry is; it is one of the log's.
  const logged = { ...entry, ...keyed, ...(isMoved500 ? stored : {}) } as LogEntry
  await deps.log.append(logged)
  deps.book.record(logged)
  if (isMoved500) return { status: 500, body: stored.storedBody }
  if (faults.hits('lostResponse', subject)) return 'reset'
  if (faults.hits('html', subject)) {
    return { status: 200, body: '<html><body>proxy</body></html>', contentType: 'text/html' }
  }
  return { status: 200, body, headers: key === null ? {} : { 'idempotency-key': key } }
}

/** Answers with a refusal and stores it for the key. */
async function refuse(
  deps: PaymentDeps,
  keyed: { idempotencyKey: string | null; fingerprint: string; created: number },
  answer: Answer,
): Promise<Answer> {
  const { idempotencyKey } = keyed
  if (idempotencyKey === null) return answer
  const stored = { storedStatus: answer.status, storedBody: answer.body }
  const entry = { kind: 'refusal', ...keyed, idempotencyKey, ...stored } as const
  await deps.log.append(entry)
  deps.book.record(entry)
  return answer
}

/** Faults that happen before the idempotency layer: nothing is carried out, nothing stored. */
function transientFault(deps: PaymentDeps, subject: string): Reply | null {
  if (deps.faults.hits('reset', subject)) return 'reset'
  if (deps.faults.hits('401', subject)) return refusal(401, 'Invalid API Key provided')
  if (deps.faults.hits('429', subject)) return refusal(429, 'Too many requests', 'rate_limit')
  if (deps.faults.hits('409', subject)) return keyInUse(subject)
  if (deps.faults.hits('500', subject)) {
    return { status: 500, body: renderError('api_error', 'An unknown error occurred') }
  }
  return deps.faults.hits('timeout', subject) ? 'hang' : null
}

function keyInUse(key: string): Answer {
  return refusal(
    409,
    `There is currently another in-progress request using this Idempotent Key: ${key}`,
    'idempotency_key_in_use',
  )
}

/** The dialect's 400 for an account that is not there. */
export function noSuchDestination(destination: string): Answer {
  const message = `No such destination: '${destination}'`
  return refusal(400, message, 'resource_missing', 'destination')
}

/** An `invalid_request_error` of a status. */
export function refusal(status: number, message: string, code?: string, param?: string): Answer {
  const details = {
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  }
  return { status, body: renderError('invalid_request_error', message, details) }
}

/** A header's text; null when it is absent, empty or given twice. */
export function headerOf(request: SimulatorRequest, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' ? value : null
}
