/** Appeals in the words of an explanation: how to make one and until when, and how those made ended. */
import { appealableUntil, isAppealable, type AppealResult } from './appeal.ts'
import { formatMajorAmount } from './currency.ts'
import type { Money } from './money.ts'
import type { PolicyState } from './policy.ts'
import { reopenDaysOf, type Product } from './product.ts'
import { addMs, type Instant } from './time.ts'

/** An appeal, as its holder may be told of it. */
export type ToldAppeal = {
  readonly filedAt: Instant
  /** Null while it is open. */
  readonly result: AppealResult | null
  readonly grounds: string | null
  /** What is paid more; null when nothing is. */
  readonly more: Money | null
  readonly decidedAt: Instant | null
}

/** What the words are made of. */
export type AppealWordsInput = {
  readonly policyNumber: string
  readonly state: PolicyState
  readonly product: Product
  readonly decision: { readonly decidedAt: Instant } | null
  readonly evaluation: { readonly evaluationId: string } | null
  /** The oldest first. */
  readonly appeals: readonly ToldAppeal[]
}

/** The appeal that a person is looking at; null when none is open. */
export function openAppealOf(appeals: readonly ToldAppeal[]): ToldAppeal | null {
  return appeals.findLast(({ result }) => result === null) ?? null
}

/** The last day on which an appeal is taken, as an instant within it; null while nothing is decided. */
export function lastAppealDay({
  decision,
  product,
}: Pick<AppealWordsInput, 'decision' | 'product'>): Instant | null {
  return decision === null ? null : addMs(appealableUntil(decision.decidedAt, product), -1)
}

/** How to disagree: the door that stands open to this policy now, and until when. */
export function appealText(input: AppealWordsInput): string {
  return `${doorText(input)} If you still disagree, you can turn to the insurance supervisor or ombudsman of your country.`
}

function doorText(input: AppealWordsInput): string {
  const { policyNumber, state, product, evaluation, appeals } = input
  const open = openAppealOf(appeals)
  if (open !== null) {
    return `Your appeal of ${dayOf(open.filedAt)} is looked at by a person; you are told how it ends.`
  }
  const reference =
    evaluation === null ? '' : ` and the decision reference ${evaluation.evaluationId}`
  const to = `write to the insurer at the address on your policy, with the policy number ${policyNumber}${reference}`
  if (state === 'DECLINED' || state === 'CANCELLED_BY_HOLDER') {
    return `If you think this is wrong, ${to}.`
  }
  const lastDay = lastAppealDay(input)
  const evidence =
    ', and add what you have: a boarding pass, or a statement of the airline or the airport. A person ' +
    'then looks at it again and you are told how it ends; what was paid stays yours.'
  if (lastDay === null) {
    const days = reopenDaysOf(product)
    return `Once this is decided you may appeal for ${days} days: ${to}${evidence}`
  }
  const until = `you may appeal until the end of ${dayOf(lastDay)}: ${to}${evidence}`
  return isAppealable(state)
    ? `If you think this is wrong, ${until}`
    : `If you think this is wrong, then once the payment is made ${until}`
}

/** How appeals ended, one paragraph each. */
export function appealEnds(appeals: readonly ToldAppeal[]): string[] {
  return appeals.flatMap(({ filedAt, grounds, more, decidedAt }) => {
    if (decidedAt === null || grounds === null) return []
    const end = more === null ? 'the decision stands' : `${moneyText(more)} more is paid`
    return [
      `You appealed on ${dayOf(filedAt)}. A person looked at it again and decided on ` +
        `${dayOf(decidedAt)}: ${end}. The reason: ${grounds}`,
    ]
  })
}

/** `2013-03-10 (UTC)`. */
export function dayOf(instant: Instant): string {
  return `${instant.slice(0, 10)} (UTC)`
}

/** `250.00 USD`. */
export function moneyText({ minor, currency }: Money): string {
  return `${formatMajorAmount(minor, currency)} ${currency}`
}
