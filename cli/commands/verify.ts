/** `groundstop verify`: checks the whole book and says what does not hold. */
import type { Command } from 'commander'

import type { Database } from '../../db/client.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { createReplaySource } from '../../db/stores/replay-source.ts'
import type { BookBreak } from '../../domain/ports/ledger-store.ts'
import { replayEvaluations } from '../../operations/replay-evaluations.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'

/** Adds the command. Exit code 1 when anything breaks an invariant. */
export function register(program: Command, context: CliContext): void {
  program
    .command('verify')
    .description('check policies, payouts and ledger against their invariants; exit 1 on any break')
    .option('--replay', 'make every decision again from the stored observations and compare', false)
    .option('--json', 'print breaks and totals as one JSON object')
    .action((options: { json?: boolean; replay: boolean }) =>
      verify(context, options.json === true, options.replay),
    )
}

async function verify(context: CliContext, isJson: boolean, isReplay: boolean): Promise<void> {
  await using database = await openDatabase(context)
  const ledgerStore = createLedgerStore(database.db)
  const clock = createVirtualClock(createClockStore(database.db))
  const checked = await verifyBooks({ ledgerStore, clock })
  const replayed = isReplay ? await replayAll(database.db, context.signal) : null
  const breaks = [...checked.breaks, ...(replayed?.breaks ?? [])]
  const totals = await ledgerStore.readTotals()
  if (isJson) {
    const { legs, evaluations, ofOtherRules } = replayed ?? {}
    const told = replayed === null ? {} : { replayed: { legs, evaluations, ofOtherRules } }
    context.stdout.write(`${JSON.stringify({ breaks, totals, ...told })}\n`)
  } else {
    for (const { account, currency, balanceMinor } of totals) {
      context.stdout.write(`${account.padEnd(28)} ${balanceMinor.padStart(18)} ${currency}\n`)
    }
    for (const { invariant, subject, detail } of breaks) {
      context.stdout.write(`${invariant} ${subject}: ${detail}\n`)
    }
  }
  if (breaks.length > 0) throw new CliError(`the book has ${breaks.length} breaks`)
  if (isJson) return
  if (replayed !== null) {
    const { legs, evaluations, ofOtherRules } = replayed
    context.stdout.write(
      `${evaluations} decisions on ${legs} legs follow from their observations\n`,
    )
    if (ofOtherRules > 0) {
      context.stdout.write(
        `${ofOtherRules} decisions were made by another state of the rules: not replayed\n`,
      )
    }
  }
  context.stdout.write('the book holds: no breaks\n')
}

/** Pages between two looks at whether somebody wants it to stop. */
const PAGES_PER_STEP = 5

/** Breaks that are printed; the first ones say what is wrong. */
const BREAKS_PRINTED = 100

async function replayAll(db: Database, signal: AbortSignal) {
  const replaySource = createReplaySource(db)
  const all = { legs: 0, evaluations: 0, ofOtherRules: 0, breaks: [] as BookBreak[] }
  let after: string | null = null
  do {
    const options = { maxPages: PAGES_PER_STEP, signal }
    const step = await replayEvaluations({ replaySource }, { after }, options)
    all.legs += step.legs
    all.evaluations += step.evaluations
    all.ofOtherRules += step.ofOtherRules
    all.breaks.push(...step.breaks.slice(0, BREAKS_PRINTED - all.breaks.length))
    after = step.next
  } while (after !== null)
  return all
}
