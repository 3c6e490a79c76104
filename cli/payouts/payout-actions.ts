/** `groundstop payouts approve|payee`: what people do to one payout. */
import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'

import type { Database } from '../../db/client.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createPayeeStore } from '../../db/stores/payee-store.ts'
import { createPayoutStore } from '../../db/stores/payout-store.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { correctPayee } from '../../operations/correct-payee.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { isUuid } from '../text-arguments.ts'

const PAYEE = /^[\x21-\x7e]{1,255}$/

/** Errors that say to the person what is wrong. */
const REFUSALS = new Set(['PayoutNotFoundError', 'PayeeFixedError', 'SecondApproverError'])

/** Adds `approve` and `payee` to `payouts`. */
export function addPayoutActions(payouts: Command, context: CliContext): void {
  addNoteOptions(payouts.command('approve'))
    .description('approve one payout: held, refused by the rail, or returned')
    .argument('<id>', 'payout id')
    .action((id: string, flags: NoteFlags) =>
      act(context, id, flags, async (db, note) => {
        const { payoutId, by, reason } = note
        const { approved, awaitingSecond = 0 } = await approvePayouts(
          { payoutStore: createPayoutStore(db), clock: clockOf(db) },
          {
            payoutIds: [payoutId],
            approvedBy: by,
            reason,
            requestId: `cli/${randomUUID()}`,
            leavesBatch: true,
          },
        )
        if (approved === 1) return 'approved: it goes out with its run, or with the next batch'
        if (awaitingSecond === 1) return 'approved by the first of two: another person must approve'
        return 'no change: there is nothing to approve, or the kill switch is on'
      }),
    )
  addNoteOptions(payouts.command('payee'))
    .description('correct where a payout goes, before it is sent or after it came back')
    .argument('<id>', 'payout id')
    .argument('<account>', 'the account at the rail, as acct_1A2b')
    .action((id: string, account: string, flags: NoteFlags) =>
      act(context, id, flags, async (db, note) => {
        if (!PAYEE.test(account)) throw new CliError('not an account at the rail', EXIT.usage)
        const deps = { payeeStore: createPayeeStore(db), clock: clockOf(db) }
        const { isChanged, state } = await correctPayee(deps, { ...note, payeeRef: account })
        return `${isChanged ? '' : 'no change: '}payout ${note.payoutId} (${state}) goes to ${account}`
      }),
    )
}

const clockOf = (db: Database) => createVirtualClock(createClockStore(db))

async function act(
  context: CliContext,
  id: string,
  flags: NoteFlags,
  work: (
    db: Database,
    note: { readonly payoutId: string; readonly by: string; readonly reason: string },
  ) => Promise<string>,
): Promise<void> {
  if (!isUuid(id)) throw new CliError(`there is no payout ${id}`, EXIT.usage)
  const { by, reason } = noteOf(flags)
  await using database = await openDatabase(context)
  try {
    const told = await work(database.db, { payoutId: id.toLowerCase(), by, reason })
    context.stdout.write(`${told}\n`)
  } catch (error) {
    if (!(error instanceof Error) || !REFUSALS.has(error.name)) throw error
    throw new CliError(error.message, EXIT.failed, { cause: error })
  }
}
