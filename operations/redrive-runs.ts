/**
 * Redrives or discards dead letters, one or many, by people: what would be done can be seen before,
 * each letter has its own outcome, and repeating it changes nothing that was done.
 */
import { setTimeout as sleep } from 'node:timers/promises'

import { REDRIVABLE } from '../domain/dead-letter.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type {
  DeadLetter,
  DeadLetterStore,
  LetterFilter,
  LetterNote,
  RunEffect,
} from '../domain/ports/dead-letter-store.ts'
import type { RunRedriver } from '../domain/ports/run-redriver.ts'
import { SECOND_MS } from '../domain/time.ts'
import { checkInput, describeProblems } from '../jobs/input.ts'
import { findJob } from '../jobs/registry.ts'

/** What redriving works over. */
export type RedriveDeps = {
  readonly deadLetters: DeadLetterStore
  readonly redriver: RunRedriver
  readonly clock: Clock
}

/** Letters of one call at most: at the default rate 20 seconds. */
export const LETTERS_PER_CALL = 100

/** Runs started a second unless asked otherwise. */
export const RATE_DEFAULT_PER_S = 5

/** Which letters, by whom and why. */
export type LetterRequest = {
  readonly filter: LetterFilter
  readonly by: string
  readonly reason: string
  /** Letters at most, 1 to LETTERS_PER_CALL. */
  readonly limit: number
  readonly isDryRun: boolean
}

/** A redrive: `input` replaces the runs' own and is only for one letter. */
export type RedriveRequest = LetterRequest & {
  readonly input?: unknown
  readonly ratePerS: number
}

/** What became of one letter. */
export type LetterOutcome = {
  readonly runId: string
  readonly workflowId: string
  readonly outcome: 'would-redrive' | 'redriven' | 'would-discard' | 'discarded' | 'refused'
  readonly reason: string | null
  readonly redrivenWorkflowId: string | null
  readonly redrivenRunId: string | null
  /** What the dead run did already. */
  readonly effects: readonly RunEffect[]
}

/** Outcomes in order, and whether more letters fit the filter. */
export type LettersDone = { readonly items: readonly LetterOutcome[]; readonly isMore: boolean }

/** The request cannot be meant. */
export class RedriveRequestError extends Error {
  override readonly name = 'RedriveRequestError'
  readonly field: string

  constructor(field: string, message: string) {
    super(message)
    this.field = field
  }
}

/** Redrives letters that fit. Throws RedriveRequestError; what goes wrong with one letter is its outcome. */
export async function redriveRuns(
  deps: RedriveDeps,
  request: RedriveRequest,
): Promise<LettersDone> {
  const { letters, isMore } = await choose(deps, request)
  const edited = 'input' in request && request.input !== undefined
  if (edited && (letters.length !== 1 || isMore)) {
    throw new RedriveRequestError(
      'input',
      `replaces the input of one letter, ${letters.length} fit`,
    )
  }
  const note: LetterNote = { by: request.by, reason: request.reason, at: await deps.clock.now() }
  const items: LetterOutcome[] = []
  for (const [i, letter] of letters.entries()) {
    if (i > 0 && !request.isDryRun) await sleep(SECOND_MS / request.ratePerS)
    items.push(await redriveOne(deps, letter, request, note))
  }
  return { items, isMore }
}

async function redriveOne(
  deps: RedriveDeps,
  letter: DeadLetter,
  request: RedriveRequest,
  note: LetterNote,
): Promise<LetterOutcome> {
  const { runId, workflowId } = letter
  const effects = await deps.deadLetters.effects(letter)
  const tell = (
    outcome: LetterOutcome['outcome'],
    reason: string | null = null,
  ): LetterOutcome => ({
    ...{ runId, workflowId, outcome, reason, effects },
    ...{ redrivenWorkflowId: null, redrivenRunId: null },
  })
  if (letter.state === 'REDRIVEN') {
    const { redrivenWorkflowId, redrivenRunId } = letter
    return { ...tell('redriven', 'it was redriven before'), redrivenWorkflowId, redrivenRunId }
  }
  if (!REDRIVABLE.includes(letter.state)) {
    return tell('refused', `it is ${letter.state}`)
  }
  const input = request.input ?? (await deps.redriver.readInput(letter))
  const problem = letter.kind === 'parked' ? null : problemOf(letter.job, input)
  if (problem !== null) return tell('refused', problem)
  if (request.isDryRun) return tell('would-redrive')
  const claimed = await deps.deadLetters.claim(runId, note)
  if (claimed === null) {
    // Somebody else was faster: what they did to it is this one's answer too.
    const resolved = await deps.deadLetters.find(runId)
    if (resolved === null || REDRIVABLE.includes(resolved.state)) {
      return tell('refused', 'it is being resolved by somebody else')
    }
    return redriveOne(deps, resolved, request, note)
  }
  const outcome =
    letter.kind === 'parked'
      ? await deps.redriver.wake(letter, note)
      : await deps.redriver.start({ job: letter.job, input, redriveOf: runId })
  if (outcome.kind === 'refused') {
    await deps.deadLetters.release(runId)
    return tell('refused', outcome.reason)
  }
  const started = { workflowId: outcome.workflowId, runId: outcome.runId }
  const isEdited = request.input !== undefined
  await deps.deadLetters.redriven(runId, { ...started, input: isEdited ? 'edited' : 'same' }, note)
  return {
    ...tell('redriven'),
    redrivenWorkflowId: started.workflowId,
    redrivenRunId: started.runId,
  }
}

function problemOf(jobName: string, input: unknown): string | null {
  const job = findJob(jobName)
  if (job === undefined) return `no job is called ${jobName} any more`
  if (input === undefined) return 'its input is gone with its history: give one'
  const check = checkInput(job, input)
  return check.ok ? null : describeProblems(job.name, check.problems)
}

/** Closes letters that fit for good: nothing will be done about them. */
export async function discardRuns(
  deps: Pick<RedriveDeps, 'deadLetters' | 'clock'>,
  request: LetterRequest,
): Promise<LettersDone> {
  const { letters, isMore } = await choose(deps, request)
  const note: LetterNote = { by: request.by, reason: request.reason, at: await deps.clock.now() }
  const items: LetterOutcome[] = []
  for (const letter of letters) {
    const { runId, workflowId, state } = letter
    const effects = await deps.deadLetters.effects(letter)
    const isOpen = state === 'OPEN' || state === 'ARCHIVED' || state === 'DISCARDED'
    const done = !isOpen
      ? 'refused'
      : request.isDryRun
        ? 'would-discard'
        : state === 'DISCARDED' || (await deps.deadLetters.discard(runId, note))
          ? 'discarded'
          : 'refused'
    items.push({
      ...{ runId, workflowId, outcome: done, effects },
      ...{ redrivenWorkflowId: null, redrivenRunId: null },
      reason: done === 'refused' ? `it is ${state}` : null,
    })
  }
  return { items, isMore }
}

/** Open ones unless ids or a state say otherwise: a repeat by ids gives the same outcome. */
async function choose(
  { deadLetters }: Pick<RedriveDeps, 'deadLetters'>,
  { filter, limit }: LetterRequest,
): Promise<{ letters: readonly DeadLetter[]; isMore: boolean }> {
  const isNamed = filter.runIds !== undefined || filter.state !== undefined
  const wanted: LetterFilter = isNamed ? filter : { ...filter, state: 'OPEN' }
  const { items, nextCursor } = await deadLetters.list(wanted, { limit })
  return { letters: items, isMore: nextCursor !== null }
}
