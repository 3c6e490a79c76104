/** `groundstop providers`: how outside services do, as the last check found. */
import type { Command } from 'commander'

import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import type { ProviderHealth } from '../../domain/ports/provider-health-store.ts'
import type { CliContext } from '../context.ts'
import { addReadOptions, printRead, type ReadFlags } from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  addReadOptions(program.command('providers'))
    .description('print how outside services do: state, failures, breakers, budgets of calls')
    .action((flags: ReadFlags) =>
      printRead(context, flags, {
        what: 'provider',
        from: async ({ db }) => ({ items: await createProviderHealthStore(db).list() }),
        lines: ({ items }) => tableLines(HEADER, items.map(cells)),
      }),
    )
}

const HEADER = [
  ...['provider', 'state', 'why', 'since, UTC', 'checked, UTC', 'last answer, UTC'],
  ...['calls', 'failed', 'breakers open', 'used today', 'used this month'],
]

function cells(health: ProviderHealth): (string | number | null)[] {
  return [
    health.provider,
    health.state,
    health.reason,
    timeText(health.since),
    timeText(health.checkedAt),
    timeText(health.lastAnswerAt),
    health.calls,
    health.failures,
    `${health.openBreakers} of ${health.processes}`,
    usedText(health.dayUnits, health.dayBudget),
    usedText(health.monthUnits, health.monthBudget),
  ]
}

function usedText(units: number, budget: number | null): string {
  return budget === null ? String(units) : `${units} of ${budget}`
}
