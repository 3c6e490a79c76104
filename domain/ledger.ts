/**
 * The double-entry ledger: account names, and the postings that each event of the business makes.
 * A posting moves an amount from one account to another, so no transaction can be out of balance.
 */
import { minorUnits, type Money } from './money.ts'
import type { Instant } from './time.ts'

/** The events that move money in the books. */
export type LedgerKind =
  | 'capital'
  | 'bind'
  | 'trigger'
  | 'submit'
  | 'paid'
  | 'fail'
  | 'return'
  | 'expire'
  | 'cancel'
  | 'correct'
  | 'premium'
  | 'earn'

/** One movement between two accounts: a credit and the equal debit. */
export type LedgerPosting = {
  readonly source: string
  readonly destination: string
  readonly amount: Money
}

/** `ref` is unique: the same event posted twice is one transaction. */
export type LedgerTransaction = {
  readonly ref: string
  readonly kind: LedgerKind
  readonly effectiveAt: Instant
  readonly postings: readonly LedgerPosting[]
}

/** The pool that backs every policy until pools are told apart by product. */
export const MAIN_POOL = 'main'

/** Account names; one set per currency, which every posting carries. */
export const account = {
  capital: 'equity:capital',
  poolAvailable: (pool: string = MAIN_POOL) => `pool:${pool}:available`,
  escrow: (policyId: string) => `escrow:${policyId}`,
  payable: (policyId: string) => `payable:${policyId}`,
  inFlight: (provider: string) => `payout:in_flight:${provider}`,
  holder: 'external:holder',
  /** Premiums that are asked for and not yet received; one sales channel until there are more. */
  receivable: 'receivable:channel:direct',
  unearned: 'premium:unearned',
  revenue: 'revenue:premium',
  /** What claims cost is with the holders; of that, what was not owed goes from the first to the second. */
  claims: 'expense:claims',
  leakage: 'expense:leakage',
} as const

/** The unique reference of each event. */
export const ledgerRef = {
  capital: (id: string) => `cap:${id}`,
  bind: (policyId: string) => `bind:${policyId}`,
  trigger: (payoutId: string) => `trig:${payoutId}`,
  submit: (payoutId: string, n: number) => `sub:${payoutId}:${n}`,
  paid: (payoutId: string, n: number) => `paid:${payoutId}:${n}`,
  fail: (payoutId: string, n: number) => `fail:${payoutId}:${n}`,
  return: (payoutId: string, n: number) => `ret:${payoutId}:${n}`,
  expire: (policyId: string) => `exp:${policyId}`,
  cancel: (policyId: string) => `can:${policyId}`,
  earn: (policyId: string) => `earn:${policyId}`,
  correct: (policyId: string, evaluationId: string) => `corr:${policyId}:${evaluationId}`,
} as const

/** Capital paid into the pool. */
export function capitalPosting(input: {
  id: string
  amount: Money
  effectiveAt: Instant
}): LedgerTransaction {
  return transaction(ledgerRef.capital(input.id), 'capital', input.effectiveAt, [
    move(account.capital, account.poolAvailable(), input.amount),
  ])
}

/** Binding reserves the greatest payout that the policy can make, and books the premium if it is known. */
export function bindPosting(input: {
  policyId: string
  reserved: Money
  premium?: Money
  effectiveAt: Instant
}): LedgerTransaction {
  return transaction(ledgerRef.bind(input.policyId), 'bind', input.effectiveAt, [
    move(account.poolAvailable(), account.escrow(input.policyId), input.reserved),
    ...premiumMove(account.receivable, account.unearned, input.premium),
  ])
}

/** A policy came to its end, paid or not: its premium is earned, once. */
export function earnPosting(input: {
  policyId: string
  premium: Money
  effectiveAt: Instant
}): LedgerTransaction {
  return transaction(ledgerRef.earn(input.policyId), 'earn', input.effectiveAt, [
    move(account.unearned, account.revenue, input.premium),
  ])
}

/**
 * A payout owed: the amount leaves escrow for the payable, what is left of the reservation returns to
 * the pool in the same transaction. Throws RangeError when more is owed than was reserved.
 */
export function triggerPosting(input: {
  policyId: string
  payoutId: string
  reserved: Money
  amount: Money
  effectiveAt: Instant
}): LedgerTransaction {
  const escrow = account.escrow(input.policyId)
  const rest = subtract(input.reserved, input.amount)
  return transaction(ledgerRef.trigger(input.payoutId), 'trigger', input.effectiveAt, [
    move(escrow, account.payable(input.policyId), input.amount),
    ...(rest.minor > 0 ? [move(escrow, account.poolAvailable(), rest)] : []),
  ])
}

/** More is owed than before: it comes from the pool, as a fulfilled reservation is never opened again. */
export function topUpPosting(input: {
  policyId: string
  payoutId: string
  amount: Money
  effectiveAt: Instant
}): LedgerTransaction {
  return transaction(ledgerRef.trigger(input.payoutId), 'trigger', input.effectiveAt, [
    move(account.poolAvailable(), account.payable(input.policyId), input.amount),
  ])
}

/**
 * More was paid than a correction says is owed. Nothing is taken back: the difference is told from other
 * claims as leakage, and holders keep what they hold.
 */
export function leakagePosting(input: {
  policyId: string
  /** The evaluation of the corrected facts. */
  evaluationId: string
  amount: Money
  effectiveAt: Instant
}): LedgerTransaction {
  const ref = ledgerRef.correct(input.policyId, input.evaluationId)
  return transaction(ref, 'correct', input.effectiveAt, [
    move(account.claims, account.leakage, input.amount),
  ])
}

type AttemptPosting = {
  policyId: string
  payoutId: string
  /** The attempt's number, from 1. */
  n: number
  provider: string
  amount: Money
  effectiveAt: Instant
}

/** An attempt opened: what is payable is now in flight with the rail. */
export function submitPosting(input: AttemptPosting): LedgerTransaction {
  return transaction(ledgerRef.submit(input.payoutId, input.n), 'submit', input.effectiveAt, [
    move(account.payable(input.policyId), account.inFlight(input.provider), input.amount),
  ])
}

/** The rail confirmed the attempt. */
export function paidPosting(input: AttemptPosting): LedgerTransaction {
  return transaction(ledgerRef.paid(input.payoutId, input.n), 'paid', input.effectiveAt, [
    move(account.inFlight(input.provider), account.holder, input.amount),
  ])
}

/** The rail refused the attempt for good: reverses the submission. */
export function failPosting(input: AttemptPosting): LedgerTransaction {
  return transaction(ledgerRef.fail(input.payoutId, input.n), 'fail', input.effectiveAt, [
    move(account.inFlight(input.provider), account.payable(input.policyId), input.amount),
  ])
}

/** The rail gave paid money back: it is payable again. */
export function returnPosting(input: AttemptPosting): LedgerTransaction {
  return transaction(ledgerRef.return(input.payoutId, input.n), 'return', input.effectiveAt, [
    move(account.holder, account.payable(input.policyId), input.amount),
  ])
}

/** A settled no-pay at the end of cover: the whole reservation returns to the pool. */
export function expirePosting(input: {
  policyId: string
  reserved: Money
  effectiveAt: Instant
}): LedgerTransaction {
  return transaction(ledgerRef.expire(input.policyId), 'expire', input.effectiveAt, [
    move(account.escrow(input.policyId), account.poolAvailable(), input.reserved),
  ])
}

/** The holder cancelled in time: the reservation returns to the pool, the premium to the holder. */
export function cancelPosting(input: {
  policyId: string
  reserved: Money
  premium?: Money
  effectiveAt: Instant
}): LedgerTransaction {
  return transaction(ledgerRef.cancel(input.policyId), 'cancel', input.effectiveAt, [
    move(account.escrow(input.policyId), account.poolAvailable(), input.reserved),
    ...premiumMove(account.unearned, account.receivable, input.premium),
  ])
}

/** A premium of nothing moves nothing. */
function premiumMove(source: string, destination: string, premium?: Money): LedgerPosting[] {
  return premium === undefined || premium.minor === 0 ? [] : [move(source, destination, premium)]
}

function transaction(
  ref: string,
  kind: LedgerKind,
  effectiveAt: Instant,
  postings: LedgerPosting[],
): LedgerTransaction {
  return { ref, kind, effectiveAt, postings }
}

function move(source: string, destination: string, amount: Money): LedgerPosting {
  if (amount.minor <= 0) throw new RangeError(`a posting moves a positive amount: ${amount.minor}`)
  return { source, destination, amount }
}

function subtract(whole: Money, part: Money): Money {
  if (whole.currency !== part.currency) {
    throw new RangeError(`amounts are in ${whole.currency} and ${part.currency}`)
  }
  if (part.minor > whole.minor) {
    throw new RangeError(`more is owed than was reserved: ${part.minor} of ${whole.minor}`)
  }
  return { minor: minorUnits(whole.minor - part.minor), currency: whole.currency }
}
