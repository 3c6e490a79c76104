/** `groundstop payouts`: what they are, their kill switch, and what holds them. */
import type { Command } from 'commander'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { createPayoutControlStore } from '../../db/stores/payout-control-store.ts'
import type { PayoutPause } from '../../domain/payout-controls.ts'
import type { PayoutControls } from '../../domain/ports/payout-control-store.ts'
import {
  controlPayouts,
  readPayoutControls,
  UnknownProductError,
} from '../../operations/control-payouts.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addNoteOptions, noteOf, type NoteFlags } from '../note-options.ts'
import { addPayoutActions } from '../payouts/payout-actions.ts'
import { addPayoutReads } from '../reads/money-reads.ts'

type ChangeFlags = NoteFlags & { readonly product?: string }

/** Adds the commands. */
export function register(program: Command, context: CliContext): void {
  const payouts = program
    .command('payouts')
    .description('look at payouts, stop them, let them go on')
  for (const action of ['pause', 'resume'] as const) {
    const command = payouts
      .command(action)
      .description(
        action === 'pause'
          ? 'send no more payouts; what is at the rail arrives'
          : 'send payouts again; products paused by name stay paused',
      )
      .option('--product <code>', 'only those of this product, as FD45')
    addNoteOptions(command).action((flags: ChangeFlags) => change(action, flags, context))
  }
  payouts
    .command('status')
    .description('print what holds payouts: kill switch, ceiling, limit, rails without balance')
    .option('--json', 'print one JSON object', false)
    .action(({ json }: { json: boolean }) => status(json, context))
  addPayoutActions(payouts, context)
  addPayoutReads(payouts, context)
}

async function change(
  action: 'pause' | 'resume',
  flags: ChangeFlags,
  context: CliContext,
): Promise<void> {
  const { by, reason } = noteOf(flags)
  const { product } = flags
  await using database = await openDatabase(context)
  const input = product === undefined ? { action } : { action, product }
  try {
    const { after, isChanged } = await controlPayouts(depsOf(database), { ...input, by, reason })
    context.stdout.write(`${isChanged ? '' : 'no change: '}${pauseText(after)}\n`)
  } catch (error) {
    if (!(error instanceof UnknownProductError)) throw error
    throw new CliError(error.message, EXIT.usage, { cause: error })
  }
}

async function status(isJson: boolean, context: CliContext): Promise<void> {
  await using database = await openDatabase(context)
  const controls = await readPayoutControls(depsOf(database))
  context.stdout.write(isJson ? `${JSON.stringify(controls)}\n` : statusText(controls))
}

function depsOf({ db }: Awaited<ReturnType<typeof openDatabase>>) {
  const clock = createVirtualClock(createClockStore(db))
  return { payoutControls: createPayoutControlStore(db), clock }
}

function pauseText({ all, products }: PayoutPause): string {
  if (all) return 'payouts are paused'
  if (products.length === 0) return 'payouts go out'
  return `payouts of ${products.join(', ')} are paused, the others go out`
}

function statusText(controls: PayoutControls): string {
  const { pause, changedBy, changedAt, today, dryRails } = controls
  const by = changedBy === null ? '' : ` (${changedBy}, ${changedAt})`
  const lines = [
    `${pauseText(pause)}${by}`,
    `approval limit  ${settingText(controls.approvalLimitMinor)}`,
    `daily ceiling   ${settingText(controls.dailyCeilingMinor)}`,
    ...today.map(({ currency, approvedMinor }) => `approved today  ${approvedMinor} ${currency}`),
    ...dryRails.map(
      ({ provider, currency, since, nextProbeAt }) =>
        `no balance      ${provider} ${currency} since ${since}, tried again at ${nextProbeAt}`,
    ),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function settingText(value: unknown): string {
  return value === null ? 'none' : JSON.stringify(value)
}
