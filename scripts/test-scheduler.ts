/**
 * `npm run test:scheduler`: exercises a scheduler that runs: status, a run now, a schedule and a queue
 * paused and resumed, a run that fails for good, its dead letter and its redrive. Says what it did and puts
 * back what it switched. `API_URL` (default: where `npm start` listens) and `API_TOKEN` say where.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** Where the scheduler is, and how it is told what happens. */
export type SchedulerDoor = {
  readonly url: string
  readonly token?: string | undefined
  readonly say: (line: string) => void
  /** What becomes true a moment later is waited for this long, milliseconds. */
  readonly patienceMs?: number
}

/** What the scheduler did was not what it should have done. */
export class SchedulerTestError extends Error {
  override readonly name = 'SchedulerTestError'
}

const SCHEDULER = '/api/admin/scheduler'
const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 250
const NOTE = { by: 'npm run test:scheduler', reason: 'a test of the scheduler' }

/** Small, harmless, and done within a moment. */
const HARMLESS = { task: 'analyze', tables: ['job_cursor'] }
/** Fails for good: there is no such table. */
const HOPELESS = { task: 'reindex', tables: ['no_such_table_of_ours'] }
const SCHEDULE = 'cache-refresh'
const QUEUE = 'reports'

type Json = Readonly<Record<string, unknown>>
type Ask = (method: 'GET' | 'POST', path: string, body?: Json) => Promise<Json>

/** Goes through all of it. Throws SchedulerTestError at the first thing that is not as it should be. */
export async function testScheduler(door: SchedulerDoor): Promise<void> {
  const ask = asking(door)
  const test = { ...door, ask, patienceMs: door.patienceMs ?? PATIENCE_MS }
  const { status, workers, queueSize } = await ask('GET', '/status')
  if (status !== 'running') throw new SchedulerTestError(`the scheduler is ${String(status)}`)
  door.say(`status: running, workers ${JSON.stringify(workers)}, ${String(queueSize)} tasks wait`)
  await runNow(test)
  await switchSchedule(test)
  await switchQueue(test)
  await redrive(test, await failForGood(test))
}

type Test = SchedulerDoor & { readonly ask: Ask; readonly patienceMs: number }

async function runNow({ ask, say, ...test }: Test): Promise<void> {
  const run = await ask('POST', '/jobs', { type: 'MAINTENANCE', payload: HARMLESS })
  const ended = await untilEnded({ ...test, ask, say }, run)
  say(`run now: ${String(run['id'])} ended with ${String(ended['status'])}`)
  expectThat(ended['status'] === 'success', `${String(run['id'])} did not succeed`)
}

async function switchSchedule(test: Test): Promise<void> {
  const { ask, say } = test
  const path = `/schedules/${SCHEDULE}`
  if ((await ask('GET', path))['enabled'] !== true) {
    say(`schedule: ${SCHEDULE} is disabled by somebody, left alone`)
    return
  }
  try {
    await ask('POST', `${path}/disable`, NOTE)
    await until(test, async () => (await ask('GET', path))['enabled'] === false, 'it is not off')
  } finally {
    await ask('POST', `${path}/enable`, NOTE)
  }
  await until(test, async () => (await ask('GET', path))['enabled'] === true, 'it is not on')
  say(`schedule: ${SCHEDULE} disabled and enabled again`)
}

async function switchQueue(test: Test): Promise<void> {
  const { ask, say } = test
  const path = `/queues/${QUEUE}`
  const isPaused = async () => (await ask('GET', path))['pause'] !== null
  if (await isPaused()) {
    say(`queue: ${QUEUE} is paused by somebody, left alone`)
    return
  }
  try {
    await ask('POST', `${path}/pause`, NOTE)
    await until(test, isPaused, `${QUEUE} is not paused`)
  } finally {
    await ask('POST', `${path}/resume`, NOTE)
  }
  await until(test, async () => !(await isPaused()), `${QUEUE} is not resumed`)
  say(`queue: ${QUEUE} paused and resumed`)
}

async function failForGood(test: Test): Promise<string> {
  const { ask, say } = test
  const run = await ask('POST', '/jobs', { type: 'MAINTENANCE', payload: HOPELESS })
  const ended = await untilEnded(test, run)
  expectThat(ended['status'] === 'failed', `${String(run['id'])} did not fail`)
  const runId = String(run['runId'])
  const isLetter = async (): Promise<boolean> => {
    const { items } = await ask('GET', '/dead-letters?job=maintenance&state=OPEN')
    return (items as Json[]).some((letter) => letter['runId'] === runId)
  }
  await until(test, isLetter, `no dead letter of run ${runId}`)
  say(`dead letter: ${String(run['id'])} failed for good and has one`)
  return runId
}

async function redrive(test: Test, runId: string): Promise<void> {
  const { ask, say } = test
  const body = { ...NOTE, filter: { runIds: [runId] }, limit: 1, input: HARMLESS }
  const planned = outcomeOf(await ask('POST', '/dead-letters/redrive', { ...body, dryRun: true }))
  expectThat(planned['outcome'] === 'would-redrive', `dry run: ${JSON.stringify(planned)}`)
  const done = outcomeOf(await ask('POST', '/dead-letters/redrive', body))
  expectThat(done['outcome'] === 'redriven', `redrive: ${JSON.stringify(done)}`)
  const run = { id: done['redrivenWorkflowId'], runId: done['redrivenRunId'] }
  const ended = await untilEnded(test, run)
  expectThat(ended['status'] === 'success', `${String(run.id)} did not succeed`)
  const letter = await ask('GET', `/dead-letters/${runId}`)
  expectThat(letter['state'] === 'REDRIVEN', `the letter is ${String(letter['state'])}`)
  say(`redrive: started again with a mended input as ${String(run.id)}, which succeeded`)
}

function outcomeOf({ items }: Json): Json {
  return (items as Json[])[0] ?? {}
}

async function untilEnded(test: Test, { id, runId }: Json): Promise<Json> {
  const path = `/jobs/${encodeURIComponent(String(id))}?runId=${String(runId)}`
  let run: Json = {}
  await until(
    test,
    async () => {
      run = await test.ask('GET', path)
      return run['finishedAt'] !== null
    },
    `${String(id)} does not end`,
  )
  return run
}

async function until(
  { patienceMs }: Test,
  isSo: () => Promise<boolean>,
  problem: string,
): Promise<void> {
  const deadlineMs = performance.now() + patienceMs
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new SchedulerTestError(problem)
    await sleep(LOOK_EVERY_MS)
  }
}

function expectThat(isSo: boolean, problem: string): void {
  if (!isSo) throw new SchedulerTestError(problem)
}

function asking({ url, token }: SchedulerDoor): Ask {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return async (method, path, body) => {
    const response = await fetch(new URL(`${SCHEDULER}${path}`, url), {
      method,
      headers: { 'content-type': 'application/json', ...authorization },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as Json // every answer and every problem is an object
    if (response.ok) return answer
    throw new SchedulerTestError(`${method} ${path}: ${JSON.stringify(answer)}`)
  }
}

if (import.meta.main) {
  const { API_URL, API_TOKEN } = process.env
  const url = API_URL ?? 'http://127.0.0.1:3000'
  try {
    await testScheduler({ url, token: API_TOKEN, say: (line) => console.log(line) })
    console.log('the scheduler does what it should')
  } catch (error) {
    if (!(error instanceof Error)) throw error
    console.error(`${error.message}${error instanceof SchedulerTestError ? '' : `, asking ${url}`}`)
    process.exitCode = 1
  }
}
