/** `groundstop loss-ratio`: what decided policies cost, over sums insured and premiums. */
import { Option, type Command } from 'commander'

import { LOSS_GROUPS, type LossGroup } from '../../domain/ports/book-figures.ts'
import type { CliContext } from '../context.ts'
import { addReadOptions, addTenantOption, printRead, type ReadFlags } from '../reads/reading.ts'
import { moneyText } from '../screen/lines.ts'
import { tableLines } from '../screen/table.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  addTenantOption(addReadOptions(program.command('loss-ratio')))
    .description('print paid and payable of decided policies over sums insured and premiums')
    .addOption(
      new Option('--by <group>', 'month is the departure at the origin')
        .choices([...LOSS_GROUPS])
        .default('product'),
    )
    .action((flags: ReadFlags & { readonly by: LossGroup }) =>
      printRead(context, flags, {
        what: 'loss ratio',
        from: async ({ reads }) => ({
          by: flags.by,
          items: await reads.figures.lossRatio(flags.by),
        }),
        lines: ({ by, items }) =>
          tableLines(
            [by, 'policies', 'sum insured', 'paid', 'payable', 'over insured', 'over premium'],
            items.map((row) => [
              row.group,
              row.policies,
              moneyText(row.sumInsuredMinor, row.currency),
              moneyText(row.paidMinor, row.currency),
              moneyText(row.payableMinor, row.currency),
              row.overSumInsured,
              row.overPremium,
            ]),
          ),
      }),
    )
}
