/** Read-only figures of the whole instance: for the terminal's screen and for stepping the clock. */
import { sql } from 'kysely'

import type { Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'

/** The book in figures at one moment. */
export type Overview = {
  readonly policies: number
  readonly decidedPay: number
  readonly decidedNoPay: number
  readonly inReview: number
  /** Legs with undecided policies that are asked about, or will be. */
  readonly legsWatched: number
  /** Of them those whose next question is due. */
  readonly legsDue: number
  /** Payouts that are not paid yet and not cancelled. */
  readonly payoutsOpen: number
  /** By currency, the largest first. */
  readonly paid: readonly {
    readonly currency: string
    readonly payouts: number
    /** Minor units as text: a sum may exceed safe integers. */
    readonly minor: string
  }[]
  /** Legs that were not asked about in time. */
  readonly coverageIncidentsOpen: number
}

/** Figures of the whole book for the terminal and for stepping the clock. */
export interface OverviewStore {
  /** All figures of one moment. Counts the whole book, so not to be asked several times a second. */
  read(now: Instant): Promise<Overview>
  /** When the next leg is due; null when nothing is awaited. */
  nextDueAt(): Promise<Instant | null>
  /**
   * What a moment's work still holds up: legs due at `now`, and payouts that are neither paid,
   * cancelled nor waiting for a person.
   */
  pendingWork(now: Instant): Promise<{ readonly legsDue: number; readonly payoutsOpen: number }>
  /** Batches with such a payout, the oldest first. */
  openPayoutBatches(limit: number): Promise<string[]>
  /** True once a policy was ever bound. */
  hasPolicies(): Promise<boolean>
}

type Counts = {
  pay: number
  no_pay: number
  undecided: number
  in_review: number
  legs_watched: number
  legs_due: number
  payouts_open: number
  incidents: number
}

// Of `payout p`: neither paid, cancelled nor waiting for a person.
const IS_OPEN = sql`p.state in ('CREATED','APPROVED','SUBMITTED')
  and not exists (select 1 from review_case r where r.subject_kind = 'payout'
    and r.subject_id = p.id and r.state <> 'RESOLVED')`

/** The store over this database. */
export function createOverviewStore(db: Database): OverviewStore {
  return {
    read: async (now) => readOverview(db, now),
    async nextDueAt() {
      const { rows } = await sql<{ at: Instant | null }>`
        select min(next_poll_at) as at from flight_leg
        where undecided_policies > 0 and next_poll_at is not null`.execute(db)
      return rows[0]?.at ?? null
    },
    async pendingWork(now) {
      const { rows } = await sql<{ legs: number; payouts: number }>`
        select
          (select count(*) from flight_leg
           where undecided_policies > 0 and next_poll_at <= ${now}::timestamptz) as legs,
          (select count(*) from payout p where ${IS_OPEN}) as payouts`.execute(db)
      return { legsDue: rows[0]?.legs ?? 0, payoutsOpen: rows[0]?.payouts ?? 0 }
    },
    async openPayoutBatches(limit) {
      const { rows } = await sql<{ id: string }>`
        select b.id from payout_batch b
        where exists (select 1 from payout p where p.batch_id = b.id and ${IS_OPEN})
        order by b.created_at, b.id limit ${limit}`.execute(db)
      return rows.map(({ id }) => id)
    },
    async hasPolicies() {
      const { rows } = await sql<{ found: boolean }>`
        select exists (select 1 from policy) as found`.execute(db)
      return rows[0]?.found ?? false
    },
  }
}

async function readOverview(db: Database, now: Instant): Promise<Overview> {
  const [counts, paid] = await Promise.all([readCounts(db, now), readPaid(db)])
  return {
    policies: counts.pay + counts.no_pay + counts.undecided,
    decidedPay: counts.pay,
    decidedNoPay: counts.no_pay,
    inReview: counts.in_review,
    legsWatched: counts.legs_watched,
    legsDue: counts.legs_due,
    payoutsOpen: counts.payouts_open,
    paid,
    coverageIncidentsOpen: counts.incidents,
  }
}

async function readCounts(db: Database, now: Instant): Promise<Counts> {
  const { rows } = await sql<Counts>`
    select p.*, l.*,
      (select count(*) from payout where state not in ('PAID','CANCELLED')) as payouts_open,
      (select count(*) from coverage_incident where closed_at is null) as incidents
    from (
      select count(*) filter (where outcome = 'PAY') as pay,
        count(*) filter (where outcome = 'NO_PAY') as no_pay,
        count(*) filter (where outcome is null) as undecided,
        count(*) filter (where state = 'IN_REVIEW') as in_review
      from policy) p,
    (
      select count(*) as legs_watched,
        count(*) filter (where next_poll_at <= ${now}::timestamptz) as legs_due
      from flight_leg where undecided_policies > 0 and next_poll_at is not null) l`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a count without a group gave no row')
  return row
}

async function readPaid(db: Database): Promise<Overview['paid']> {
  const { rows } = await sql<{ currency: string; payouts: number; minor: string }>`
    select currency, count(*) as payouts, sum(amount_minor)::text as minor
    from payout where state = 'PAID'
    group by currency order by sum(amount_minor) desc, currency limit 200`.execute(db)
  return rows
}
