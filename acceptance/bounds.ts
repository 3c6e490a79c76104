/** What must hold at the end of a run, and what did not. */
import type { FaultProfile } from './fault-profiles.ts'
import type { Judgement } from './oracle/judge.ts'

/** Share of policies that people may have to decide. */
const REVIEW_SHARE = 0.02
/** Share of automatic decisions that must be right when many faults come together. */
const MIXED_RIGHT_SHARE = 0.999

/** The state of the books when all is decided and expired. */
export type FinalBooks = {
  /** Invariants that do not hold. */
  readonly breaks: readonly string[]
  /** What is wrong with the transfers. */
  readonly moneyProblems: readonly string[]
  /** Reserved for others than policies that an open case keeps from their end, minor units. */
  readonly strayEscrowMinor: bigint
}

/** What a run is held to its bounds by. */
export type BoundedRun = {
  /** Before people decided anything. */
  readonly judgement: Judgement
  /** With what they decided. */
  readonly finalJudgement: Judgement
  /** Cases that people could not decide, and policies decided too low that they paid the rest. */
  readonly reviewed: { readonly refused: readonly string[]; readonly corrected: number }
  readonly books: FinalBooks
}

/** Sentences, one for each bound that does not hold. */
export function brokenBounds(profile: FaultProfile, run: BoundedRun): string[] {
  const { books, finalJudgement } = run
  const { right, falsePay, falseDenial, review, undecided } = run.judgement.counts
  const automatic = right + falsePay + falseDenial
  const policies = automatic + review + undecided
  const isMixed = profile.name.startsWith('mixed')
  const problems: string[] = []
  if (isMixed && right < automatic * MIXED_RIGHT_SHARE) {
    problems.push(`${right} of ${automatic} automatic decisions are right, not 99.9 %`)
  }
  if (!isMixed && falsePay > 0) problems.push(`${falsePay} false pays`)
  if (!isMixed && falseDenial > 0) problems.push(`${falseDenial} false denials`)
  if (review > policies * REVIEW_SHARE) problems.push(`${review} of ${policies} are in review`)
  if (undecided > 0) problems.push(`${undecided} policies are undecided`)
  const left = finalJudgement.counts.review
  if (left > 0) problems.push(`${left} policies are still with people`)
  const { corrected } = run.reviewed
  const madeRight = finalJudgement.counts.right - right
  if (madeRight !== review + corrected) {
    problems.push(`people made ${madeRight} of ${review + corrected} policies right`)
  }
  for (const refusal of run.reviewed.refused) problems.push(`review: ${refusal}`)
  for (const found of books.breaks) problems.push(`invariant: ${found}`)
  for (const found of books.moneyProblems) problems.push(`money: ${found}`)
  if (books.strayEscrowMinor !== 0n) {
    problems.push(`escrow: ${books.strayEscrowMinor} minor units too many`)
  }
  return problems
}
