/**
 * `POST /v1/transfers` with the idempotency of the real service: the first result of a key is stored
 * once execution begins and replayed for a day; what fails before that is not stored.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { toMs } from '../../domain/time.ts'
import type { Answer, Reply, SimulatorRequest } from '../http-server.ts'
import type { PaymentDeps } from './payment-server.ts'
import { renderError, renderTransfer, type StoredTransfer } from './transfer.ts'
import { checkTransferForm, formFingerprint, type TransferForm } from './transfer-form.ts'

/** The dialect's limit on a key's length. */
const KEY_LENGTH_LIMIT = 255
const DEFAULT_LATENCY_MS = 1_000

type Execution = {
  readonly form: TransferForm
  readonly key: string | null
  /** What faults are drawn for: the key, or the destination when there is no key. */
  readonly subject: string
  readonly fingerprint: string
  readonly createdS: number
}

/** The handler; `inProgress` holds the keys whose first request is being carried out. */
export function createTransferHandler(deps: PaymentDeps): (r: SimulatorRequest) => Promise<Reply> {
  const inProgress = new Set<string>()

  return async (request) => {
    const form = new URLSearchParams(request.body)
    const key = headerOf(request, 'idempotency-key')
    const destination = form.get('destination') ?? ''
    const subject = `${key ?? ''}|${destination}`
    if (deps.faults.isActive) {
      const fault = transientFault(deps, subject)
      if (fault !== null) return fault
    }
    if (key !== null && key.length > KEY_LENGTH_LIMIT) return error(400, 'Idempotency-Key too long')
    const nowMs = toMs(await deps.clock.now())
    const fingerprint = formFingerprint(form)
    const replay = key === null ? null : replayFor(deps, inProgress, { key, fingerprint, nowMs })
    if (replay !== null) return replay
    const checked = checkTransferForm(form)
    if ('status' in checked) return checked
    if (destination.startsWith('acct_invalid') || deps.faults.hits('invalidDestination', subject)) {
      return error(400, `No such destination: '${destination}'`, 'resource_missing', 'destination')
    }
    if (key !== null) inProgress.add(key)
    try {
      const createdS = Math.floor(nowMs / 1_000)
      return await execute(deps, { form: checked, key, subject, fingerprint, createdS })
    } finally {
      if (key !== null) inProgress.delete(key)
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

async function execute(deps: PaymentDeps, execution: Execution): Promise<Reply> {
  const { faults } = deps
  const { subject } = execution
  const latency = faults.hits('latency', subject)
  if (latency !== null) await sleep(latency.ms ?? DEFAULT_LATENCY_MS)
  if (faults.hits('insufficientFunds', subject)) {
    const body = renderError(
      'invalid_request_error',
      'Insufficient funds in your account. Your available balance does not cover this transfer.',
      { code: 'balance_insufficient' },
    )
    return await refuse(deps, execution, { status: 400, body })
  }
  if (faults.hits('stored500', subject)) {
    const body = renderError('api_error', 'An unknown error occurred')
    return await refuse(deps, execution, { status: 500, body })
  }
  return await move(deps, execution)
}

async function move(deps: PaymentDeps, execution: Execution): Promise<Reply> {
  const { form, key, subject, fingerprint, createdS } = execution
  const transfer: StoredTransfer = { id: deps.book.nextId(), ...form, created: createdS }
  const base = { kind: 'transfer', transfer, idempotencyKey: key, fingerprint } as const
  const isMoved500 = deps.faults.hits('moved500', subject) !== null
  const stored = { storedStatus: 500, storedBody: renderError('api_error', 'An unknown error') }
  const entry = isMoved500 ? { ...base, ...stored } : base
  await deps.log.append(entry)
  deps.book.record(entry)
  if (isMoved500) return { status: 500, body: stored.storedBody }
  if (deps.faults.hits('lostResponse', subject)) return 'reset'
  if (deps.faults.hits('html', subject)) {
    return { status: 200, body: '<html><body>proxy</body></html>', contentType: 'text/html' }
  }
  const headers = key === null ? {} : { 'idempotency-key': key }
  return { status: 200, body: renderTransfer(transfer), headers }
}

/** Answers with a refusal and stores it for the key. */
async function refuse(deps: PaymentDeps, execution: Execution, answer: Answer): Promise<Answer> {
  if (execution.key === null) return answer
  const entry = {
    kind: 'refusal',
    idempotencyKey: execution.key,
    fingerprint: execution.fingerprint,
    storedStatus: answer.status,
    storedBody: answer.body,
    created: execution.createdS,
  } as const
  await deps.log.append(entry)
  deps.book.record(entry)
  return answer
}

/** Faults that happen before the idempotency layer: nothing is carried out, nothing stored. */
function transientFault(deps: PaymentDeps, subject: string): Reply | null {
  if (deps.faults.hits('429', subject)) return error(429, 'Too many requests', 'rate_limit')
  if (deps.faults.hits('409', subject)) return keyInUse(subject)
  if (deps.faults.hits('500', subject)) {
    return { status: 500, body: renderError('api_error', 'An unknown error occurred') }
  }
  return deps.faults.hits('timeout', subject) ? 'hang' : null
}

function keyInUse(key: string): Answer {
  return error(
    409,
    `There is currently another in-progress request using this Idempotent Key: ${key}`,
    'idempotency_key_in_use',
  )
}

function error(status: number, message: string, code?: string, param?: string): Answer {
  const details = {
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  }
  return { status, body: renderError('invalid_request_error', message, details) }
}

function headerOf(request: SimulatorRequest, name: string): string | null {
  const value = request.headers[name]
  return typeof value === 'string' && value !== '' ? value : null
}
