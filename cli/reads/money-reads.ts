/** `groundstop payouts list|show` and `groundstop ledger accounts|statement`. */
import { Option, type Command } from 'commander'

import { PAYOUT_TRANSITIONS } from '../../domain/payout.ts'
import type { LedgerAccount, StatementLine } from '../../domain/ports/ledger-reads.ts'
import type { ListedPayout, PayoutDetails } from '../../domain/ports/payout-reads.ts'
import type { CliContext } from '../context.ts'
import { formatBalance } from '../screen/balance.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { accountKind, isUuid, searchText } from '../text-arguments.ts'
import { addPageOptions, addReadOptions, addTenantOption, pageLines, printRead } from './reading.ts'
import type { PageFlags, ReadFlags } from './reading.ts'

/** Adds `list` and `show` to `payouts`. */
export function addPayoutReads(payouts: Command, context: CliContext): void {
  addTenantOption(addPageOptions(payouts.command('list')))
    .description('list payouts, the newest first')
    .addOption(new Option('--state <state>').choices(Object.keys(PAYOUT_TRANSITIONS)))
    .option('--policy <number>', 'only those of this policy', searchText(64))
    .action((flags: PageFlags & { readonly state?: string; readonly policy?: string }) =>
      printRead(context, flags, {
        what: 'payout',
        from: ({ reads }) =>
          reads.payouts.list({ state: flags.state, policyNumber: flags.policy }, flags),
        lines: (page) => pageLines(page, payoutLines),
      }),
    )
  addTenantOption(addReadOptions(payouts.command('show')))
    .description('print one payout with its attempts and ledger postings')
    .argument('<id>', 'payout id')
    .action((id: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `payout ${id}`,
        from: async ({ reads }) => (isUuid(id) ? reads.payouts.find(id) : null),
        lines: showLines,
      }),
    )
}

/** Adds `accounts` and `statement` to `ledger`. */
export function addLedgerReads(ledger: Command, context: CliContext): void {
  addPageOptions(ledger.command('accounts'))
    .description('list accounts with what they hold, added up from their postings')
    .option('--kind <kind>', 'only names that begin so, as pool or escrow', accountKind)
    .action((flags: PageFlags & { readonly kind?: string }) =>
      printRead(context, flags, {
        what: 'account',
        from: ({ reads }) => reads.ledger.accounts({ kind: flags.kind }, flags),
        lines: (page) => pageLines(page, accountLines),
      }),
    )
  addPageOptions(ledger.command('statement'))
    .description('print what moved on an account, the newest first')
    .argument('<account>', 'as pool:main:available', searchText(255))
    .action((account: string, flags: PageFlags) =>
      printRead(context, flags, {
        what: `account ${account}`,
        from: ({ reads }) => reads.ledger.statement(account, flags),
        lines: (page) => pageLines(page, statementLines),
      }),
    )
}

function payoutLines(items: readonly ListedPayout[]): string[] {
  return tableLines(
    ['payout', 'policy', 'state', 'amount', 'created, UTC', 'paid, UTC'],
    items.map((payout) => [
      payout.payoutId,
      payout.policyNumber,
      payout.state,
      formatBalance(String(payout.amountMinor), payout.currency),
      timeText(payout.createdAt),
      timeText(payout.paidAt),
    ]),
  )
}

function showLines(payout: PayoutDetails): string[] {
  const { policy, batch } = payout
  return [
    ...fieldLines([
      ['payout', payout.payoutId],
      ['state', payout.state],
      ['amount', formatBalance(String(payout.amountMinor), payout.currency)],
      ['policy', `${policy.policyNumber} (${policy.state}, ${policy.product.code})`],
      ['leg', policy.legKey],
      ['batch', batch === null ? null : `${batch.batchId} of ${batch.size}`],
      ['approved by', payout.approvedBy],
      ['transfer', payout.transferId],
      ['paid', timeText(payout.paidAt)],
    ]),
    '',
    ...tableLines(
      ['attempt', 'outcome', 'code', 'sends', 'started, UTC', 'finished, UTC', 'reference'],
      payout.attempts.map((attempt) => [
        attempt.n,
        attempt.outcome,
        attempt.code,
        attempt.sends,
        timeText(attempt.startedAt),
        timeText(attempt.finishedAt),
        attempt.providerRef,
      ]),
    ),
    '',
    ...tableLines(
      ['posted, UTC', 'kind', 'from', 'to', 'amount'],
      payout.postings.map((posting) => [
        timeText(posting.effectiveAt),
        posting.kind,
        posting.source,
        posting.destination,
        formatBalance(String(posting.amountMinor), posting.currency),
      ]),
    ),
  ]
}

function accountLines(items: readonly LedgerAccount[]): string[] {
  const rows = items.flatMap(({ account, balances }) =>
    balances.map((held) => [account, formatBalance(held.balanceMinor, held.currency)]),
  )
  return tableLines(['account', 'holds'], rows)
}

function statementLines(items: readonly StatementLine[]): string[] {
  return tableLines(
    ['posting', 'effective, UTC', 'kind', 'other account', 'amount', 'balance'],
    items.map((line) => [
      line.postingId,
      timeText(line.effectiveAt),
      line.kind,
      line.counterparty,
      formatBalance(String(line.amountMinor), line.currency),
      formatBalance(line.balanceMinor, line.currency),
    ]),
  )
}
