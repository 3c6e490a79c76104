/** `groundstop exposure`: sums insured that are not decided yet, by group and currency. */
import { Option, type Command } from 'commander'

import { EXPOSURE_GROUPS, type ExposureGroup } from '../../domain/ports/book-figures.ts'
import type { CliContext } from '../context.ts'
import { addReadOptions, addTenantOption, printRead, type ReadFlags } from '../reads/reading.ts'
import { moneyText } from '../screen/lines.ts'
import { tableLines } from '../screen/table.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  addTenantOption(addReadOptions(program.command('exposure')))
    .description('print sums insured of undecided policies')
    .addOption(
      new Option('--by <group>', 'day is the departure at the origin')
        .choices([...EXPOSURE_GROUPS])
        .default('day'),
    )
    .action((flags: ReadFlags & { readonly by: ExposureGroup }) =>
      printRead(context, flags, {
        what: 'exposure',
        from: async ({ reads }) => ({
          by: flags.by,
          items: await reads.figures.exposure(flags.by),
        }),
        lines: ({ by, items }) =>
          tableLines(
            [by, 'policies', 'legs', 'sum insured'],
            items.map((row) => [
              row.group,
              row.policies,
              row.legs,
              moneyText(row.sumInsuredMinor, row.currency),
            ]),
          ),
      }),
    )
}
