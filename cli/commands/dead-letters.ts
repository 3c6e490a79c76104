/** `groundstop dead-letters`: runs that died, and what to do about them. */
import { InvalidArgumentError, Option, type Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createDeadLetterStore } from '../../db/stores/dead-letter-store.ts'
import { LETTER_STATES } from '../../domain/dead-letter.ts'
import type { DeadLetter, ErrorGroup, LetterFilter } from '../../domain/ports/dead-letter-store.ts'
import {
  discardRuns,
  LETTERS_PER_CALL,
  RATE_DEFAULT_PER_S,
  RedriveRequestError,
  redriveRuns,
  type LettersDone,
  type RedriveDeps,
} from '../../operations/redrive-runs.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { createRunRedriver } from '../../platform/temporal/run-redriver.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { instantOf } from '../control/job-control.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import {
  addPageOptions,
  addReadOptions,
  pageLines,
  printRead,
  type PageFlags,
  type ReadFlags,
} from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'
import { connectTemporal } from '../temporal-access.ts'
import { searchText, uuid } from '../text-arguments.ts'

const GROUPS_LIMIT = 200

type FilterFlags = Omit<LetterFilter, 'runIds' | 'groupId'> & { readonly group?: string }
type ActFlags = FilterFlags &
  NoteFlags & {
    readonly limit: number
    readonly dryRun: boolean
  }
type RedriveFlags = ActFlags & { readonly input?: unknown; readonly rate: number }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const letters = program.command('dead-letters').description('runs that died or wait for a person')
  addFilters(addPageOptions(letters.command('list')))
    .description('dead letters, the newest first')
    .action((flags: FilterFlags & PageFlags) =>
      printRead(context, flags, {
        what: 'dead letter',
        from: ({ db }) => createDeadLetterStore(db).list(filterOf(flags, []), flags),
        lines: (page) => pageLines(page, letterLines),
      }),
    )
  addReadOptions(letters.command('groups'))
    .description('errors that read the same, those with open letters first')
    .action((flags: { json: boolean }) =>
      printRead(context, flags, {
        what: 'group',
        from: async ({ db }) => ({
          groups: await createDeadLetterStore(db).groups(GROUPS_LIMIT),
        }),
        lines: groupLines,
      }),
    )
  addReadOptions(letters.command('show'))
    .description('one dead letter: error, input, what its run did already')
    .argument('<run>', 'the run id', uuid)
    .action((runId: string, { json }: ReadFlags) => show(context, runId, json))
  addActions(letters, context)
}

function addActions(letters: Command, context: CliContext): void {
  addActOptions(letters.command('redrive'))
    .description('start a run anew for each, or wake a parked one')
    .option('--input <json>', 'replaces the input; for one letter', jsonOf)
    .option('--rate <n>', 'runs started a second', numberOf(1, 50), RATE_DEFAULT_PER_S)
    .action((runIds: string[], flags: RedriveFlags) =>
      act(context, runIds, flags, (deps, request) => {
        const edited = flags.input === undefined ? {} : { input: flags.input }
        return redriveRuns(deps, { ...request, ...edited, ratePerS: flags.rate })
      }),
    )
  addActOptions(letters.command('discard'))
    .description('close for good: nothing will be done about them')
    .action((runIds: string[], flags: ActFlags) => act(context, runIds, flags, discardRuns))
}

function addFilters(command: Command): Command {
  return command
    .addOption(new Option('--state <state>').choices(LETTER_STATES))
    .option('--job <job>', 'only of this job', searchText(64))
    .option('--error-type <type>', 'as DatabaseUnavailable', searchText(64))
    .option('--group <id>', 'only of this group of errors', uuid)
    .option(
      '--version <build>',
      'only of this version of the code, as `show` names it',
      searchText(255),
    )
    .option('--failed-after <instant>', 'at or after, as 2026-03-01T12:00:00Z', instantOf)
    .option('--failed-before <instant>', 'before', instantOf)
}

function addActOptions(command: Command): Command {
  const filtered = addFilters(command).argument(
    '[runs...]',
    'run ids; left out: all open ones that fit',
  )
  return addNoteOptions(filtered)
    .option('--limit <n>', 'at most so many', numberOf(1, LETTERS_PER_CALL), LETTERS_PER_CALL)
    .option('--dry-run', 'show what would be done', false)
}

async function act(
  context: CliContext,
  runIds: readonly string[],
  flags: ActFlags,
  work: (deps: RedriveDeps, request: Parameters<typeof discardRuns>[1]) => Promise<LettersDone>,
): Promise<void> {
  const filter = filterOf(flags, runIds.map(uuid))
  if (Object.values(filter).every((value) => value === undefined)) {
    throw new CliError(
      'name runs, or --job, --error-type, --group, --version, --failed-after, --failed-before or --state',
      EXIT.usage,
    )
  }
  const { by, reason } = noteOf(flags)
  const { limit, dryRun: isDryRun } = flags
  const done = await withDeps(context, (deps) =>
    work(deps, { filter, by, reason, limit, isDryRun }),
  ).catch((error: unknown) => {
    if (!(error instanceof RedriveRequestError)) throw error
    throw new CliError(`--${error.field} ${error.message}`, EXIT.usage, { cause: error })
  })
  context.stdout.write(`${doneLines(done).join('\n')}\n`)
  const refused = done.items.filter(({ outcome }) => outcome === 'refused').length
  if (refused > 0) throw new CliError(`${refused} of ${done.items.length} were refused`)
}

async function show(context: CliContext, runId: string, isJson: boolean): Promise<void> {
  await withDeps(context, async ({ deadLetters, redriver }) => {
    const letter = await deadLetters.find(runId)
    if (letter === null) throw new CliError('there is no dead letter of this run')
    const effects = await deadLetters.effects(letter)
    const input = (await redriver.readInput(letter)) ?? null
    const shown = { ...letter, effects, input }
    context.stdout.write(`${isJson ? JSON.stringify(shown) : JSON.stringify(shown, null, 2)}\n`)
  })
}

async function withDeps<T>(
  context: CliContext,
  work: (deps: RedriveDeps) => Promise<T>,
): Promise<T> {
  await using database = await openDatabase(context)
  const { config, db } = database
  await using server = await connectTemporal(context, config)
  const { jobTerms: terms } = config
  // Awaited here: both connections are closed when this returns.
  return await work({
    deadLetters: createDeadLetterStore(db),
    redriver: createRunRedriver({ client: server.client, terms }),
    clock: createVirtualClock(createClockStore(db)),
  })
}

function filterOf(
  { group, state, job, errorType, version, failedAfter, failedBefore }: FilterFlags,
  runIds: readonly string[],
): LetterFilter {
  const named = runIds.length === 0 ? {} : { runIds }
  return { ...named, state, job, errorType, groupId: group, version, failedAfter, failedBefore }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('it must be JSON')
  }
}

function numberOf(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= greatest) return value
    throw new InvalidArgumentError(`a whole number from ${least} to ${greatest}`)
  }
}

function moneyText(money: DeadLetter['moneyAtRisk']): string {
  return money.map(({ currency, amountMinor }) => `${amountMinor} ${currency}`).join(', ')
}

function letterLines(letters: readonly DeadLetter[]): string[] {
  return tableLines(
    ['run', 'state', 'died, UTC', 'job', 'error', 'at risk, minor', 'message'],
    letters.map((one) => [
      one.runId,
      one.state,
      timeText(one.diedAt),
      one.job,
      one.errorType,
      moneyText(one.moneyAtRisk),
      one.errorMessage,
    ]),
  )
}

function groupLines({ groups }: { readonly groups: readonly ErrorGroup[] }): string[] {
  return tableLines(
    [
      'group',
      'job',
      'error',
      'open',
      'ever',
      'first, UTC',
      'last, UTC',
      'at risk, minor',
      'message',
    ],
    groups.map((one) => [
      one.groupId,
      one.job,
      one.errorType,
      one.open,
      one.letters,
      timeText(one.firstSeenAt),
      timeText(one.lastSeenAt),
      moneyText(one.moneyAtRisk),
      one.message,
    ]),
  )
}

function doneLines({ items, isMore }: LettersDone): string[] {
  const table = tableLines(
    ['run', 'outcome', 'done before', 'new run', 'why'],
    items.map((one) => [
      one.runId,
      one.outcome,
      one.effects.map(({ what, count }) => `${count} ${what}`).join(', '),
      one.redrivenRunId,
      one.reason,
    ]),
  )
  return isMore ? [...table, '', 'more fit: repeat it'] : table
}
