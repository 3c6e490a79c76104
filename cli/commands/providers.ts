/**
 * `groundstop providers`: how outside services do, as the last check found. `providers probe` has what
 * their plans include found out again.
 */
import type { Command } from 'commander'

import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createPlanStore } from '../../db/stores/plan-store.ts'
import { createProviderHealthStore } from '../../db/stores/provider-health-store.ts'
import type { ProviderHealth } from '../../domain/ports/provider-health-store.ts'
import { PLAN_PRODUCTS, type PlanProduct, type PlanVerdict } from '../../domain/provider-plan.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { addReadOptions, printRead, type ReadFlags } from '../reads/reading.ts'
import { tableLines, timeText } from '../screen/table.ts'

/** Adds the command. */
export function register(program: Command, context: CliContext): void {
  const providers = addReadOptions(program.command('providers'))
    .description('print how outside services do: state, failures, breakers, budgets, plans')
    .action((flags: ReadFlags) =>
      printRead(context, flags, {
        what: 'provider',
        from: async ({ db }) => ({ items: await createProviderHealthStore(db).list() }),
        lines: ({ items }) => [...tableLines(HEADER, items.map(cells)), ...items.flatMap(notes)],
      }),
    )
  providers
    .command('probe')
    .description('have what plans include found out again, after a change of a plan')
    .argument('[provider]', 'only of this one: aviationstack')
    .action((provider?: string) => probe(context, provider))
}

/** The workers have the keys, so they ask: within a minute, with the next `provider-health-check`. */
async function probe(context: CliContext, provider: string | undefined): Promise<void> {
  await using database = await openDatabase(context)
  await assertSchemaCurrent(database.db)
  const due = await createPlanStore(database.db).makeDue(provider)
  const text =
    due.length === 0
      ? 'no plan is known that could be asked about again'
      : `${due.join(', ')}: asked with the next provider-health-check, within a minute; ` +
        'at once by `groundstop jobs run provider-health-check --wait`'
  context.stdout.write(`${text}\n`)
}

const HEADER = [
  ...['provider', 'state', 'why', 'since, UTC', 'checked, UTC', 'last answer, UTC'],
  ...['calls', 'failed', 'breakers open', 'used today', 'used this month', 'plan'],
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
    planText(health.plan),
  ]
}

const VERDICT_TEXTS: Readonly<Record<PlanVerdict, string>> = {
  allowed: '',
  refused: 'no ',
  unknown: '? ',
}

const PRODUCT_TEXTS: Readonly<Record<PlanProduct, string>> = {
  present: 'today',
  past: 'past',
  future: 'future',
}

/** `today, no past, ? future`. */
function planText(plan: ProviderHealth['plan']): string | null {
  if (plan === null) return null
  return PLAN_PRODUCTS.map(
    (product) => `${VERDICT_TEXTS[plan[product].verdict]}${PRODUCT_TEXTS[product]}`,
  ).join(', ')
}

/** Why something is not included, in the service's words. */
function notes({ provider, plan }: ProviderHealth): string[] {
  if (plan === null) return []
  return PLAN_PRODUCTS.flatMap((product) => {
    const { reason } = plan[product]
    return reason === null ? [] : [`${provider}, plan, ${PRODUCT_TEXTS[product]}: ${reason}`]
  })
}

function usedText(units: number, budget: number | null): string {
  return budget === null ? String(units) : `${units} of ${budget}`
}
