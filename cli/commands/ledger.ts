/** `groundstop ledger`: accounts and their statements. */
import type { Command } from 'commander'

import type { CliContext } from '../context.ts'
import { addLedgerReads } from '../reads/money-reads.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  addLedgerReads(program.command('ledger').description('accounts and their statements'), context)
}
