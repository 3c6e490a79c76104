/** Judges what was decided and paid against what was owed. Knows nothing of how the product decides. */
import type { DecidedPolicy, ExpectedPolicy } from './expected-book.ts'

/** right; paid more or less than owed; left to people; not decided at all. */
export type Verdict = 'right' | 'falsePay' | 'falseDenial' | 'review' | 'undecided'

/** A policy that was not decided right. */
export type WrongPolicy = {
  readonly policyNumber: string
  readonly verdict: Exclude<Verdict, 'right'>
  readonly owed: ExpectedPolicy
  readonly got: DecidedPolicy | null
}

/** All policies by verdict, and those that are not right. */
export type Judgement = {
  readonly counts: Readonly<Record<Verdict, number>>
  readonly wrong: readonly WrongPolicy[]
}

/** A transfer at the payment server, as its log says. */
export type LoggedTransfer = {
  readonly id: string
  readonly amountMinor: number
  /** The payout that it is for. */
  readonly group: string
}

/**
 * One verdict a policy. `decided` holds the policies with a decision, `withPeople` the numbers of those
 * that wait for people, for all or for the rest of what they may be owed. A policy decided for another leg than it was bound on counts as a false pay or
 * denial, whichever way its money is wrong; with the same money as a false denial.
 */
export function judge(
  owed: ReadonlyMap<string, ExpectedPolicy>,
  decided: ReadonlyMap<string, DecidedPolicy>,
  withPeople: ReadonlySet<string>,
): Judgement {
  const counts = { right: 0, falsePay: 0, falseDenial: 0, review: 0, undecided: 0 }
  const wrong: WrongPolicy[] = []
  for (const [policyNumber, due] of owed) {
    const got = decided.get(policyNumber) ?? null
    const verdict = verdictOf(due, got, withPeople.has(policyNumber))
    counts[verdict] += 1
    if (verdict !== 'right') wrong.push({ policyNumber, verdict, owed: due, got })
  }
  return { counts, wrong }
}

function verdictOf(
  owed: ExpectedPolicy,
  got: DecidedPolicy | null,
  isWithPeople: boolean,
): Verdict {
  if (got === null) return isWithPeople ? 'review' : 'undecided'
  const { bps, amountMinor } = got
  if (bps > owed.bps || amountMinor > owed.amountMinor) return 'falsePay'
  if (bps < owed.bps || amountMinor < owed.amountMinor) {
    return isWithPeople ? 'review' : 'falseDenial'
  }
  return got.legKey === owed.legKey ? 'right' : 'falseDenial'
}

/**
 * What is wrong with the money: each decided amount must have moved once, in one transfer for each of its
 * payouts, and nothing else. Empty when all is right.
 */
export function judgeMoney(
  decided: ReadonlyMap<string, DecidedPolicy>,
  transfers: readonly LoggedTransfer[],
): string[] {
  const problems: string[] = []
  const byGroup = new Map<string, LoggedTransfer>()
  for (const transfer of transfers) {
    if (byGroup.has(transfer.group)) problems.push(`payout ${transfer.group} was paid twice`)
    byGroup.set(transfer.group, transfer)
  }
  const known = new Set<string>()
  for (const [policyNumber, { amountMinor, payouts }] of decided) {
    if (amountMinor === 0) continue
    if (payouts.length === 0) problems.push(`policy ${policyNumber} has no payout`)
    let movedMinor = 0
    for (const { payoutId, transferId } of payouts) {
      known.add(payoutId)
      const transfer = byGroup.get(payoutId)
      movedMinor += transfer?.amountMinor ?? 0
      if (transfer === undefined)
        problems.push(`policy ${policyNumber} was not paid by ${payoutId}`)
      else if (transfer.id !== transferId) {
        problems.push(`policy ${policyNumber}: ${transferId} is its transfer, ${transfer.id} moved`)
      }
    }
    if (payouts.length > 0 && movedMinor !== amountMinor) {
      problems.push(`policy ${policyNumber}: ${amountMinor} decided, ${movedMinor} moved`)
    }
  }
  for (const group of byGroup.keys()) {
    if (!known.has(group)) problems.push(`payout ${group} was paid and nobody decided it`)
  }
  return problems
}
