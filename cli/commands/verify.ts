/** `groundstop verify`: checks the whole book and says what does not hold. */
import type { Command } from 'commander'

import { createLedgerStore } from '../../db/stores/ledger-store.ts'
import { verifyBooks } from '../../operations/verify-books.ts'
import { CliError } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'

/** Adds the command. Exit code 1 when anything breaks an invariant. */
export function register(program: Command, context: CliContext): void {
  program
    .command('verify')
    .description('check policies, payouts and ledger against their invariants; exit 1 on any break')
    .option('--json', 'print breaks and totals as one JSON object')
    .action((options: { json?: boolean }) => verify(context, options.json === true))
}

async function verify(context: CliContext, isJson: boolean): Promise<void> {
  await using database = await openDatabase(context)
  const ledgerStore = createLedgerStore(database.db)
  const { breaks } = await verifyBooks({ ledgerStore })
  const totals = await ledgerStore.readTotals()
  if (isJson) context.stdout.write(`${JSON.stringify({ breaks, totals })}\n`)
  else {
    for (const { account, currency, balanceMinor } of totals) {
      context.stdout.write(`${account.padEnd(28)} ${balanceMinor.padStart(18)} ${currency}\n`)
    }
    for (const { invariant, subject, detail } of breaks) {
      context.stdout.write(`${invariant} ${subject}: ${detail}\n`)
    }
  }
  if (breaks.length > 0) throw new CliError(`the book has ${breaks.length} breaks`)
  if (!isJson) context.stdout.write('the book holds: no breaks\n')
}
