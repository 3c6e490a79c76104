/** `groundstop policies cancel`: a holder's cancellation with the premium back. */
import type { Command } from 'commander'

import { createCancellationStore } from '../db/stores/cancellation-store.ts'
import { createClockStore } from '../db/stores/clock-store.ts'
import { cancelPolicy } from '../operations/cancel-policy.ts'
import { createVirtualClock } from '../platform/clock/virtual-clock.ts'
import { CliError } from './cli-error.ts'
import type { CliContext } from './context.ts'
import { openDatabase } from './instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from './note-options.ts'
import { moneyText } from './screen/lines.ts'

type Flags = NoteFlags & { readonly json: boolean }

/** Adds the subcommand. */
export function addPolicyCancellation(policies: Command, context: CliContext): void {
  const command = policies
    .command('cancel')
    .description('cancel a policy for its holder before the cut-off, with the whole premium back')
    .argument('<number>', 'policy number')
  addNoteOptions(command)
    .option('--json', 'print one JSON object', false)
    .action((number: string, flags: Flags) => cancel(context, number, flags))
}

async function cancel(context: CliContext, policyNumber: string, flags: Flags): Promise<void> {
  const { reason, by } = noteOf(flags)
  const { json: isJson } = flags
  await using database = await openDatabase(context)
  const { db } = database
  const clock = createVirtualClock(createClockStore(db))
  const cancellationStore = createCancellationStore(db)
  const done = await cancelPolicy({ cancellationStore, clock }, { policyNumber, by, reason })
  if (done.kind === 'no-policy') throw new CliError(`there is no policy ${policyNumber}`)
  if (done.kind === 'refused') throw new CliError(`${policyNumber}: ${done.refusal.reason}`)
  const { isNew, refundMinor, currency } = done
  const refund = refundMinor === null ? 'no premium' : moneyText(String(refundMinor), currency)
  const words = isNew ? `cancelled, ${refund} to be given back` : 'was cancelled before'
  context.stdout.write(`${isJson ? JSON.stringify(done) : `policy ${policyNumber} ${words}`}\n`)
}
