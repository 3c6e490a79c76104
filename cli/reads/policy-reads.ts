/** `groundstop policies list|show|explain|evaluations`. */
import { Option, type Command } from 'commander'

import { createPolicyDetailsStore } from '../../db/stores/policy-details.ts'
import { explainDecision } from '../../domain/explain-decision.ts'
import { POLICY_TRANSITIONS } from '../../domain/policy.ts'
import type { PolicyDetails } from '../../domain/ports/policy-details.ts'
import type { PolicyEvaluations } from '../../domain/ports/policy-evaluations.ts'
import type { ListedPolicy } from '../../domain/ports/policy-list.ts'
import { parseLocalDate, type LocalDate } from '../../domain/time.ts'
import type { CliContext } from '../context.ts'
import { moneyText } from '../screen/lines.ts'
import { fieldLines, tableLines, timeText } from '../screen/table.ts'
import { searchText } from '../text-arguments.ts'
import { dateArgument } from './date-argument.ts'
import { addPageOptions, addReadOptions, addTenantOption, pageLines, printRead } from './reading.ts'
import type { PageFlags, ReadFlags } from './reading.ts'

type ListFlags = PageFlags & {
  readonly state?: string
  readonly product?: string
  readonly outcome?: 'PAY' | 'NO_PAY' | 'NONE'
  readonly leg?: string
  readonly departure?: LocalDate
}

/** Adds the subcommands. */
export function addPolicyReads(policies: Command, context: CliContext): void {
  addTenantOption(addPageOptions(policies.command('list')))
    .description('list policies by number')
    .addOption(new Option('--state <state>').choices(Object.keys(POLICY_TRANSITIONS)))
    .option('--product <code>', 'only those of this product', searchText(64))
    .addOption(
      new Option('--outcome <outcome>', 'NONE is undecided').choices(['PAY', 'NO_PAY', 'NONE']),
    )
    .option('--leg <key>', 'only those of this leg', searchText(64))
    .option('--departure <date>', 'only this date at the origin', dateArgument(parseLocalDate))
    .action((flags: ListFlags) => {
      const { state, product, outcome, leg, departure } = flags
      const filter = { state, product, outcome, legKey: leg, departureDate: departure }
      return printRead(context, flags, {
        what: 'policy',
        from: ({ reads }) => reads.policies.list(filter, flags),
        lines: (page) => pageLines(page, listLines),
      })
    })
  addTenantOption(addReadOptions(policies.command('show')))
    .description('print one policy with its leg, decision and payouts')
    .argument('<number>', 'policy number')
    .action((number: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `policy ${number}`,
        from: ({ db }) => createPolicyDetailsStore(db).find(number),
        lines: showLines,
      }),
    )
  addTenantOption(addReadOptions(policies.command('explain')))
    .description('explain a decision in words that its policyholder understands')
    .argument('<number>', 'policy number')
    .action((number: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `policy ${number}`,
        from: async ({ reads }) => {
          const input = await reads.explanations.read(number)
          return input === null ? null : explainDecision(input)
        },
        lines: ({ text }) => [text.join('\n\n')],
      }),
    )
  addTenantOption(addReadOptions(policies.command('evaluations')))
    .description('print what the rules said of a policy, with the evidence; all of it with --json')
    .argument('<number>', 'policy number')
    .action((number: string, flags: ReadFlags) =>
      printRead(context, flags, {
        what: `policy ${number}`,
        from: ({ reads }) => reads.evaluations.read(number),
        lines: evaluationLines,
      }),
    )
}

function evaluationLines({ evaluations }: PolicyEvaluations): string[] {
  return evaluations.flatMap((one) => [
    ...fieldLines([
      ['evaluation', `${one.evaluationId}${one.isDecisive ? ', the policy rests on it' : ''}`],
      ['made', timeText(one.evaluatedAt)],
      ['outcome', one.outcome === 'PAY' ? `PAY ${one.bps} basis points` : one.outcome],
      ['reasons', one.reasons.join(', ')],
      ['delay, minutes', one.delayMin],
      ['insured arrival', timeText(one.insuredScheduledIn)],
      ['at the gate', timeText(one.facts.arrival?.value ?? null)],
      ['touched down', timeText(one.facts.landing?.value ?? null)],
      ['cancelled since', timeText(one.facts.cancelled?.firstSeenAt ?? null)],
      ['payouts', one.payoutIds.join(', ')],
    ]),
    '',
    ...tableLines(
      ['observation', 'provider', 'first seen', 'last seen', 'times', 'flags'],
      one.observations.map((seen) => [
        seen.observationId,
        seen.provider,
        timeText(seen.firstSeenAt),
        timeText(seen.lastSeenAt),
        seen.seenCount,
        seen.flags.join(', '),
      ]),
    ),
    '',
  ])
}

function listLines(items: readonly ListedPolicy[]): string[] {
  return tableLines(
    ['policy', 'product', 'state', 'outcome', 'leg', 'sum insured', 'pays'],
    items.map((policy) => [
      policy.policyNumber,
      policy.product.code,
      policy.state,
      policy.outcome,
      policy.legKey,
      moneyText(String(policy.sumInsuredMinor), policy.currency),
      policy.amountMinor === null ? null : moneyText(String(policy.amountMinor), policy.currency),
    ]),
  )
}

function endorsedText({ endorsements }: PolicyDetails): string | null {
  const newest = endorsements.at(-1)
  if (newest === undefined) return null
  const isOffered = endorsements.some(({ isRefundOffered }) => isRefundOffered)
  const offer = isOffered ? ', refund offered until departure' : ''
  return `${endorsements.length} times, last ${timeText(newest.announcedAt)}${offer}`
}

function showLines(policy: PolicyDetails): string[] {
  const { product, leg, decision, payouts, currency } = policy
  return [
    ...fieldLines([
      ['policy', policy.policyNumber],
      ['tenant', policy.tenant],
      ['product', `${product.code} version ${product.version}`],
      ['state', policy.state],
      ['sum insured', moneyText(String(policy.sumInsuredMinor), currency)],
      [
        'premium',
        policy.premiumMinor === null ? null : moneyText(String(policy.premiumMinor), currency),
      ],
      ['bound', timeText(policy.boundAt)],
      ['leg', `${leg.legKey} (${leg.phase})`],
      ['insured departure', timeText(policy.insuredScheduledOut)],
      ['insured arrival', timeText(policy.insuredScheduledIn)],
      ['cover ends', timeText(policy.coverEnd)],
      ['endorsed', endorsedText(policy)],
      ['next poll', timeText(leg.nextPollAt)],
      ['outcome', decision?.outcome ?? null],
      ['pays', decision === null ? null : moneyText(String(decision.amountMinor), currency)],
      ['delay, minutes', decision?.delayMin ?? null],
      ['reasons', decision?.reasons.join(', ') ?? null],
      ['decided', timeText(decision?.decidedAt ?? null)],
    ]),
    '',
    ...tableLines(
      ['payout', 'revision', 'state', 'amount', 'transfer', 'paid, UTC'],
      payouts.map((payout) => [
        payout.payoutId,
        payout.revision,
        payout.state,
        moneyText(String(payout.amountMinor), payout.currency),
        payout.transferId,
        timeText(payout.paidAt),
      ]),
    ),
  ]
}
