/**
 * The client for programs that use Groundstop: procedures by name, typed from the routes. It needs
 * `fetch` alone. Repeats of changes carry one Idempotency-Key, so that they have one effect.
 */
import type { ProofKey } from './dpop.ts'
import type { Operations } from './operations.generated.ts'
import { ProblemResponseError, problemOf } from './problem-response.ts'
import { PROCEDURES, routeCall, type RouteCall } from './procedures.ts'

/** Where and as whom to call. */
export type ClientOptions = {
  /** `https://groundstop.example`, or `http://127.0.0.1:3000`. */
  readonly url: string
  /** An API key, or a token; without one the API must be this machine's own. */
  readonly apiKey?: string
  readonly token?: string
  /** The key pair that the key or token is bound to, made by `createProofKey`: each try is proven. */
  readonly proofKey?: ProofKey
  /** Default: the platform's. */
  readonly fetch?: typeof fetch
  /** Tries in all, the first included; default 4, from 1. */
  readonly attempts?: number
  /** The wait before the second try, doubled for each after it; default 250 ms. */
  readonly retryDelayMs?: number
  /** For each try, its answer read to the end; default 60 s. */
  readonly timeoutMs?: number
}

/** How one call is made. */
export type CallOptions = {
  /** Ends the call, between tries too, with the signal's reason. A change may have had its effect. */
  readonly signal?: AbortSignal
  /** For each try; default: the client's. */
  readonly timeoutMs?: number
}

/** What servers asked to have repeated in the next proof; the last one counts (RFC 9449, 8.2). */
type Nonces = { last?: string }
type Settings = ClientOptions & CallOptions & { readonly nonces: Nonces }
type Procedures = typeof PROCEDURES
type Route = keyof Operations
type Taken<R extends Route> = Operations[R]['input']
type Given<R extends Route> = Operations[R]['answer']

/** A procedure; an input that may be empty may be left out. */
export type Procedure<R extends Route> =
  object extends Taken<R>
    ? (input?: Taken<R>, options?: CallOptions) => Promise<Given<R>>
    : (input: Taken<R>, options?: CallOptions) => Promise<Given<R>>

/** All procedures, by group and name. */
export type ProcedureMethods = {
  readonly [Group in keyof Procedures]: {
    readonly [Name in keyof Procedures[Group]]: Procedures[Group][Name] extends Route
      ? Procedure<Procedures[Group][Name]>
      : never
  }
}

type Run = Given<'GET /api/admin/scheduler/jobs/:id'>

/** How to wait for a run. */
export type WaitOptions = {
  /** Default: 10 minutes. */
  readonly timeoutMs?: number
  /** Between looks; default 1 s. */
  readonly everyMs?: number
  /** Ends the wait with the signal's reason; the run goes on. */
  readonly signal?: AbortSignal
}

/** The client. */
export type GroundstopClient = ProcedureMethods & {
  /** The run once it has ended, however it did. Throws RunTimeoutError when it has not in time. */
  readonly waitForRun: (id: string, options?: WaitOptions) => Promise<Run>
}

/** A run that was waited for has not ended in time; it goes on. */
export class RunTimeoutError extends Error {
  override readonly name = 'RunTimeoutError'
}

/** No try was answered in its time. What a change asked for may have its effect all the same. */
export class CallTimeoutError extends Error {
  override readonly name = 'CallTimeoutError'
}

const ATTEMPTS = 4
const TIMEOUT_MS = 60_000
const RETRY_DELAY_MS = 250
/** An answer that names a longer wait than this is told instead of waited for. */
const LONGEST_WAIT_MS = 30_000
const WAIT_MS = 600_000
const LOOK_EVERY_MS = 1_000
const MS_PER_S = 1_000

/**
 * Makes a client. Calls throw ProblemResponseError for what is refused. Throws TypeError for a proof key
 * without the key or token that is bound to it.
 */
export function createGroundstopClient(options: ClientOptions): GroundstopClient {
  const { apiKey, token = apiKey, proofKey } = options
  if (proofKey !== undefined && token === undefined) {
    throw new TypeError('proofKey goes with the apiKey or token that is bound to it')
  }
  const nonces: Nonces = {}
  const groups = Object.entries(PROCEDURES).map(([group, names]) => [
    group,
    Object.fromEntries(
      Object.entries(names).map(([name, route]) => [
        name,
        (input: unknown, own: CallOptions = {}) =>
          callWithRetries({ ...options, ...own, nonces }, routeCall(route, input)),
      ]),
    ),
  ])
  const methods = Object.fromEntries(groups) as ProcedureMethods // made from the same table
  return { ...methods, waitForRun: (id, wait) => waitForRun(methods, id, wait) }
}

/** A page of a list; runs of jobs are its `jobs`. */
type Page<Item> = { readonly nextCursor: string | null } & (
  | { readonly items: readonly Item[] }
  | { readonly jobs: readonly Item[] }
)

/** All items of a list that is read page by page: `itemsOf(client.policies.list, { limit: 500 })`. */
export async function* itemsOf<Input extends { cursor?: string } | undefined, Item>(
  list: (input: Input) => Promise<Page<Item>>,
  input: NonNullable<NoInfer<Input>>,
): AsyncGenerator<Item, void> {
  for (let asked = input; ;) {
    const page = await list(asked)
    yield* 'items' in page ? page.items : page.jobs
    if (page.nextCursor === null) return
    asked = { ...asked, cursor: page.nextCursor }
  }
}

async function callWithRetries(options: Settings, call: RouteCall): Promise<unknown> {
  const { attempts = ATTEMPTS, retryDelayMs = RETRY_DELAY_MS, signal } = options
  const isKeyed = call.method === 'POST'
  const keyed = isKeyed
    ? { ...call, idempotencyKey: call.idempotencyKey ?? crypto.randomUUID() }
    : call
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send(options, keyed)
    } catch (error) {
      signal?.throwIfAborted()
      const waitMs = retryWaitMs(error) ?? retryDelayMs * 2 ** (attempt - 1)
      if (attempt >= attempts || !isPassing(error) || waitMs > LONGEST_WAIT_MS) throw error
      await pause(waitMs, signal)
    }
  }
}

/** Whether a repeat may succeed: nothing answered, or it said that it cannot for now. */
function isPassing(error: unknown): boolean {
  if (error instanceof CallTimeoutError) return true
  if (!(error instanceof ProblemResponseError)) return error instanceof TypeError
  const { status, code } = error
  return status === 429 || status >= 502 || code === 'key-in-progress'
}

function retryWaitMs(error: unknown): number | null {
  if (!(error instanceof ProblemResponseError) || error.retryAfterS === null) return null
  return error.retryAfterS * MS_PER_S
}

async function send(options: Settings, call: RouteCall): Promise<unknown> {
  const { timeoutMs = TIMEOUT_MS, signal } = options
  const late = AbortSignal.timeout(timeoutMs)
  const ended = signal === undefined ? late : AbortSignal.any([signal, late])
  const { response, text } = await exchange(options, call, ended).catch((error: unknown) => {
    if (!late.aborted || signal?.aborted === true) throw error
    const message = `${call.method} ${call.url} was not answered in ${timeoutMs} ms`
    throw new CallTimeoutError(message, { cause: error })
  })
  if (!response.ok) throw problemOf(response, text)
  return text === '' ? null : JSON.parse(text)
}

async function exchange(
  options: Settings,
  call: RouteCall,
  signal: AbortSignal,
): Promise<{ readonly response: Response; readonly text: string }> {
  const { url, fetch: ask = fetch, nonces } = options
  const address = new URL(call.url, url)
  for (let isRepeat = false; ; isRepeat = true) {
    const response = await ask(address, {
      method: call.method,
      headers: { ...headersOf(call), ...(await credentialsOf(options, call, address)) },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal,
    })
    const text = await response.text()
    const nonce = response.headers.get('dpop-nonce') ?? undefined
    if (nonce !== undefined) nonces.last = nonce
    // Asked for once at the door, before anything was done; a second time is a refusal.
    if (isRepeat || nonce === undefined || !asksForNonce(response)) return { response, text }
  }
}

function asksForNonce({ status, headers }: Response): boolean {
  return status === 401 && /use_dpop_nonce/.test(headers.get('www-authenticate') ?? '')
}

function headersOf(call: RouteCall): Record<string, string> {
  return {
    accept: 'application/json',
    ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
  }
}

/** Who calls; a proof is of one try, since none is taken twice. */
async function credentialsOf(
  { apiKey, token = apiKey, proofKey, nonces }: Settings,
  { method }: RouteCall,
  url: URL,
): Promise<Record<string, string>> {
  if (token === undefined) return {}
  if (proofKey === undefined) return { authorization: `Bearer ${token}` }
  const dpop = await proofKey.prove({ method, url, token, nonce: nonces.last })
  return { authorization: `DPoP ${token}`, dpop }
}

async function waitForRun(
  { scheduler }: ProcedureMethods,
  id: string,
  { timeoutMs = WAIT_MS, everyMs = LOOK_EVERY_MS, signal }: WaitOptions = {},
): Promise<Run> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const run = await scheduler.getRun({ id }, signal === undefined ? {} : { signal })
    if (run.finishedAt !== null) return run
    if (performance.now() + everyMs > deadlineMs) {
      throw new RunTimeoutError(`${id} is ${run.status} after ${timeoutMs} ms`)
    }
    await pause(everyMs, signal)
  }
}

/** Waits; a signal ends it at once with its reason. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
  signal?.throwIfAborted()
}
