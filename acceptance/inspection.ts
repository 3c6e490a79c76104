/** Everything that a run is judged by, gathered when all is decided and expired. */
import { homeOf } from '../cli/start/home.ts'
import type { Database } from '../db/client.ts'
import { createLedgerStore } from '../db/stores/ledger-store.ts'
import { reconciliationResult } from '../jobs/reconciliation.ts'
import { verifyBooks } from '../operations/verify-books.ts'
import { readMoneyLog } from '../simulator/payments/money-log.ts'
import type { FinalBooks } from './bounds.ts'
import type { Installation } from './installation.ts'
import {
  countCoverageIncidents,
  readDetails,
  readDisputed,
  readEscrowWithPeople,
  readReviews,
  type DecisionDetail,
  type DoubtedPolicy,
  type ReviewedPolicy,
} from './instance-books.ts'
import { parseDecisions, type DecidedPolicy, type ExpectedPolicy } from './oracle/expected-book.ts'
import {
  judge,
  judgeMoney,
  type Judgement,
  type LoggedTransfer,
  type WrongPolicy,
} from './oracle/judge.ts'

/** A policy that was not decided right, with its grounds. */
export type ShownWrong = WrongPolicy & { readonly detail: DecisionDetail | null }

/** What was decided without people. */
export type AutomaticDecisions = {
  readonly judgement: Judgement
  /** By reason, the most frequent first. */
  readonly reviewReasons: readonly (readonly [reason: string, policies: number])[]
  /** The first false pays and denials. */
  readonly shown: readonly ShownWrong[]
}

/** How it all ended. */
export type FinalState = {
  /** With what people decided. */
  readonly finalJudgement: Judgement
  readonly decidedMinor: number
  readonly transfers: number
  readonly coverageIncidents: number
  readonly books: FinalBooks
}

/** False pays and denials that are named; counts are told of all. */
const SHOWN_LIMIT = 20

type Owed = ReadonlyMap<string, ExpectedPolicy>

/** Judges what was decided so far. */
export async function inspectDecisions(
  installation: Installation,
  db: Database,
  owed: Owed,
): Promise<AutomaticDecisions> {
  const { decided, reviews, disputed } = await readDecisions(installation, db)
  const reasons = [...reviews.map(({ reason }) => reason), ...disputed.map(() => 'TIER_DISPUTED')]
  const judgement = judge(owed, decided, withPeople(reviews, disputed))
  return {
    judgement,
    reviewReasons: countReasons(reasons),
    shown: await showWrong(db, judgement),
  }
}

/** Judges decisions, transfers and books. `runJob` runs a job and resolves to its result. */
export async function inspectEnd(
  installation: Installation,
  instance: { readonly db: Database; readonly runJob: (job: string) => Promise<unknown> },
  owed: Owed,
): Promise<FinalState> {
  const { db } = instance
  const { decided, reviews, disputed } = await readDecisions(installation, db)
  const transfers = await readTransfers(homeOf(installation.home).paymentsLog)
  const reservedMinor = await readEscrowWithPeople(db)
  const { breaks, escrowMinor } = await readBooks(instance)
  return {
    finalJudgement: judge(owed, decided, withPeople(reviews, disputed)),
    decidedMinor: [...decided.values()].reduce((sum, one) => sum + one.amountMinor, 0),
    transfers: transfers.length,
    coverageIncidents: await countCoverageIncidents(db),
    books: {
      breaks,
      moneyProblems: judgeMoney(decided, transfers),
      strayEscrowMinor: escrowMinor - reservedMinor,
    },
  }
}

type Decisions = {
  readonly decided: Map<string, DecidedPolicy>
  readonly reviews: readonly ReviewedPolicy[]
  readonly disputed: readonly DoubtedPolicy[]
}

async function readDecisions(installation: Installation, db: Database): Promise<Decisions> {
  const decided = parseDecisions(await installation.must('decisions', 'export', '-'))
  return { decided, reviews: await readReviews(db), disputed: await readDisputed(db) }
}

function withPeople(
  reviews: readonly ReviewedPolicy[],
  disputed: readonly DoubtedPolicy[],
): ReadonlySet<string> {
  return new Set([...reviews, ...disputed].map(({ policyNumber }) => policyNumber))
}

/** As `groundstop verify` and the reconciliation job tell it. */
async function readBooks(instance: {
  readonly db: Database
  readonly runJob: (job: string) => Promise<unknown>
}): Promise<{ breaks: string[]; escrowMinor: bigint }> {
  const reconciled = reconciliationResult.parse(await instance.runJob('reconciliation'))
  const ledgerStore = createLedgerStore(instance.db)
  const { breaks } = await verifyBooks({ ledgerStore })
  const totals = await ledgerStore.readTotals()
  const escrow = totals.find(({ account }) => account === 'escrow')
  return {
    escrowMinor: BigInt(escrow?.balanceMinor ?? '0'),
    breaks: [
      ...breaks.map(({ invariant, subject, detail }) => `${invariant} ${subject} ${detail}`),
      ...Object.entries(reconciled.breaks).flatMap(([kind, count]) =>
        count === 0 ? [] : [`reconciliation: ${count} ${kind}`],
      ),
      ...(reconciled.isBalanced ? [] : ['reconciliation: control totals differ']),
    ],
  }
}

async function readTransfers(moneyLog: string): Promise<LoggedTransfer[]> {
  const entries = await readMoneyLog(moneyLog)
  return entries.flatMap((entry) => {
    if (entry.kind !== 'transfer') return []
    const { id, amount, transferGroup } = entry.transfer
    return [{ id, amountMinor: amount, group: transferGroup ?? '' }]
  })
}

function countReasons(reasons: readonly string[]): [reason: string, policies: number][] {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].toSorted(([, a], [, b]) => b - a)
}

async function showWrong(db: Database, { wrong }: Judgement): Promise<ShownWrong[]> {
  const shown = wrong
    .filter(({ verdict }) => verdict === 'falsePay' || verdict === 'falseDenial')
    .slice(0, SHOWN_LIMIT)
  const details = await readDetails(
    db,
    shown.map(({ policyNumber }) => policyNumber),
  )
  return shown.map((one) => ({ ...one, detail: details.get(one.policyNumber) ?? null }))
}
