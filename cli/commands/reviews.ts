/** `groundstop reviews`: what waits for people, and what they decide. */
import { InvalidArgumentError, Option, type Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { createReviewDecisions } from '../../db/stores/review-decision-store.ts'
import {
  parseReviewDecision,
  REVIEW_OUTCOMES,
  ReviewDecisionError,
  type DecisionFields,
} from '../../domain/review-decision.ts'
import {
  decideReview,
  moveReview,
  type DecideReviewDeps,
  type ReviewActed,
  type ReviewRequest,
} from '../../operations/decide-review.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { createPayoutRuns } from '../../platform/temporal/payout-runs.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { addReviewReads } from '../reads/review-reads.ts'
import { connectTemporal } from '../temporal-access.ts'

type ActFlags = NoteFlags & { readonly json: boolean }
type DecideFlags = ActFlags & DecisionFields

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const reviews = program
    .command('reviews')
    .description('what waits for people, and what they decide')
  addReviewReads(reviews, context)
  const moves = {
    claim: 'take a case: others leave it alone until it is released',
    release: 'give a case back that you claimed',
    escalate: 'hand a case up',
  } as const
  for (const action of ['claim', 'release', 'escalate'] as const) {
    noted(reviews.command(action))
      .description(moves[action])
      .action((caseId: string, flags: ActFlags) =>
        act(context, flags, false, (deps, note) => moveReview(deps, { ...note, caseId, action })),
      )
  }
  noted(reviews.command('decide'))
    .description('decide a case; `reviews show` tells what is possible and what it pays')
    .addOption(
      new Option('--outcome <outcome>').choices([...REVIEW_OUTCOMES]).makeOptionMandatory(),
    )
    .option('--bps <n>', 'pay this share of the sum insured, 10000 is all of it', wholeNumber)
    .option('--delay-min <n>', "pay what the product's tiers say for this delay", wholeNumber)
    .option('--event <event>', 'pay for CANCELLED or NOT_REACHED')
    .option('--until <moment>', 'wait until then, as 2013-03-10T12:00:00Z')
    .action((caseId: string, flags: DecideFlags) => decide(context, caseId, flags))
}

function noted(command: Command): Command {
  return addNoteOptions(command.argument('<case>', 'id of the case', caseIdOf)).option(
    '--json',
    'print one JSON object, as the API gives it',
    false,
  )
}

async function decide(context: CliContext, caseId: string, flags: DecideFlags): Promise<void> {
  const { outcome, bps, delayMin, event, until } = flags
  const decision = readDecision({ outcome, bps, delayMin, event, until })
  const isPayout = outcome === 'retry' || outcome === 'cancel' || outcome === 'confirm'
  await act(context, flags, isPayout, (deps, note) =>
    decideReview(deps, { ...note, caseId, decision }),
  )
}

function readDecision(fields: DecisionFields) {
  try {
    return parseReviewDecision(fields)
  } catch (error) {
    if (!(error instanceof ReviewDecisionError)) throw error
    throw new CliError(`${error.field}: ${error.message}`, EXIT.usage, { cause: error })
  }
}

type Note = Pick<ReviewRequest, 'by' | 'reason'>

/** Only what may wake a payout's run needs Temporal. */
async function act(
  context: CliContext,
  flags: ActFlags,
  needsTemporal: boolean,
  work: (deps: DecideReviewDeps, note: Note) => Promise<ReviewActed>,
): Promise<void> {
  const note = noteOf(flags)
  await using database = await openDatabase(context)
  const { config, db } = database
  await using temporal = needsTemporal ? await connectTemporal(context, config) : null
  const deps = {
    reviewDecisions: createReviewDecisions(db),
    payoutStore: createPayoutStore(db),
    payoutRuns:
      temporal === null
        ? { carryOn: () => Promise.reject(new Error('no payout is decided here')) }
        : createPayoutRuns({ client: temporal.client, terms: config.jobTerms }),
    clock: createVirtualClock(createClockStore(db)),
  }
  const acted = await work(deps, note).catch((error: unknown) => {
    throw explain(error)
  })
  const text = flags.json ? JSON.stringify(acted) : actedText(acted)
  context.stdout.write(`${text}\n`)
}

const REFUSALS = new Set(['ReviewNotFoundError', 'ReviewRefusedError', 'SecondApproverError'])

function explain(error: unknown): unknown {
  if (!(error instanceof Error) || !REFUSALS.has(error.name)) return error
  return new CliError(error.message, EXIT.failed, { cause: error })
}

function actedText(acted: ReviewActed): string {
  const { state, assignee, resolution, waitUntil, policiesPaid, policiesDenied } = acted
  const parts = [
    state + (resolution === null ? '' : ` ${resolution}`),
    ...(assignee === null || state === 'RESOLVED' ? [] : [`claimed by ${assignee}`]),
    ...(acted.awaitsSecondPerson ? ['another person must confirm it'] : []),
    ...(waitUntil === null ? [] : [`waits until ${waitUntil}`]),
    ...(policiesPaid === 0 ? [] : [`${policiesPaid} policies paid`]),
    ...(policiesDenied === 0 ? [] : [`${policiesDenied} policies denied`]),
  ]
  return parts.join(', ')
}

function caseIdOf(text: string): string {
  const id = text.toLowerCase()
  if (UUID.test(id)) return id
  throw new InvalidArgumentError('the id of a case, as `reviews list` shows it')
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('a whole number')
}
