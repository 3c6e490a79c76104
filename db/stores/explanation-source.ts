/** Reads a policy with its rules, leg, evaluation and evidence, in one statement. */
import { sql } from 'kysely'

import type { ExplainInput } from '../../domain/explain-decision.ts'
import type { ToldAppeal } from '../../domain/explain-appeal.ts'
import { emptyFacts, type LegFacts } from '../../domain/leg-facts.ts'
import { currency, minorUnits } from '../../domain/money.ts'
import type { PolicyState } from '../../domain/policy.ts'
import type { ExplanationSource } from '../../domain/ports/explanation-source.ts'
import type { Product } from '../../domain/product.ts'
import { parseInstant, type Instant } from '../../domain/time.ts'
import type { Database } from '../client.ts'
import { watchedLegColumns, watchedLegOf, type WatchedLegRow } from './watched-leg.ts'

type Row = WatchedLegRow & {
  readonly policyNumber: string
  readonly state: PolicyState
  readonly marketingIdent: string | null
  readonly sumInsuredMinor: number
  readonly currency: string
  readonly insuredScheduledIn: Instant
  readonly premiumMinor: number | null
  readonly oldScheduledOut: Instant | null
  readonly oldScheduledIn: Instant | null
  readonly newScheduledOut: Instant | null
  readonly newScheduledIn: Instant | null
  readonly announcedAt: Instant | null
  readonly isRefundOffered: boolean
  readonly coverEnd: Instant
  readonly rules: Product
  readonly outcome: 'PAY' | 'NO_PAY' | null
  readonly bps: number | null
  readonly amountMinor: number | null
  readonly decidedAt: Instant | null
  readonly evaluationId: string | null
  readonly evaluationOutcome: 'PAY' | 'NO_PAY' | 'REVIEW' | null
  readonly delayMin: number | null
  readonly reasons: readonly string[] | null
  readonly evaluationFacts: LegFacts | { readonly version?: undefined } | null
  readonly evaluatedAt: Instant | null
  readonly sources: readonly string[]
  readonly paidAt: Instant | null
  readonly appeals: readonly AppealRow[]
}

/** From JSON: times as PostgreSQL writes them. */
type AppealRow = Pick<ToldAppeal, 'result' | 'grounds'> & {
  readonly filedAt: string
  readonly decidedAt: string | null
  readonly moreMinor: number | null
}

/** One appeal may follow the other while the days last; more of them than this are a fault of ours. */
const APPEALS_LIMIT = 100

/** The source over this database. */
export function createExplanationSource(db: Database): ExplanationSource {
  return {
    async read(policyNumber) {
      const { rows } = await sql<Row>`
        select p.policy_number as "policyNumber", p.state, p.marketing_ident as "marketingIdent",
          p.sum_insured_minor as "sumInsuredMinor", p.currency,
          p.insured_scheduled_in as "insuredScheduledIn", p.premium_minor as "premiumMinor",
          n.old_scheduled_out as "oldScheduledOut", n.old_scheduled_in as "oldScheduledIn",
          n.new_scheduled_out as "newScheduledOut", n.new_scheduled_in as "newScheduledIn",
          n.announced_at as "announcedAt",
          exists (select from endorsement o
            where o.policy_id = p.id and o.refund_offered) as "isRefundOffered",
          p.cover_end as "coverEnd", v.rules,
          p.outcome, p.bps, p.amount_minor as "amountMinor", p.decided_at as "decidedAt",
          e.id as "evaluationId", e.outcome as "evaluationOutcome", e.delay_min as "delayMin",
          e.reasons, e.facts as "evaluationFacts", e.evaluated_at as "evaluatedAt",
          array(select distinct b.provider from flight_observation b
            where b.id = any(e.observation_ids) order by 1) as sources,
          (select o.paid_at from payout o where o.policy_id = p.id
            order by o.revision desc limit 1) as "paidAt",
          coalesce((select json_agg(x) from (
            select a.filed_at as "filedAt", a.result, a.grounds, a.more_minor as "moreMinor",
              a.decided_at as "decidedAt"
            from appeal a where a.policy_id = p.id order by a.n limit ${APPEALS_LIMIT}
          ) as x), '[]') as appeals,
          ${watchedLegColumns}
        from policy p
        join product_version v on v.id = p.product_version_id
        join flight_leg l on l.id = p.leg_id
        left join evaluation e on e.id = p.evaluation_id
        left join lateral (
          select x.* from endorsement x where x.policy_id = p.id order by x.n desc limit 1
        ) as n on true
        where p.policy_number = ${policyNumber}
        limit 1`.execute(db)
      return rows[0] === undefined ? null : toInput(rows[0])
    },
  }
}

function toInput(row: Row): ExplainInput {
  const code = currency(row.currency)
  return {
    policyNumber: row.policyNumber,
    state: row.state,
    marketingIdent: row.marketingIdent,
    sumInsured: { minor: minorUnits(row.sumInsuredMinor), currency: code },
    insuredScheduledIn: row.insuredScheduledIn,
    endorsement: endorsementOf(row),
    refund: refundOf(row),
    coverEnd: row.coverEnd,
    product: row.rules,
    leg: watchedLegOf(row),
    decision: decisionOf(row),
    evaluation: evaluationOf(row),
    paidAt: row.paidAt,
    appeals: row.appeals.map(({ filedAt, decidedAt, moreMinor, result, grounds }) => ({
      filedAt: parseInstant(filedAt),
      result,
      grounds,
      more: moreMinor === null ? null : { minor: minorUnits(moreMinor), currency: code },
      decidedAt: decidedAt === null ? null : parseInstant(decidedAt),
    })),
  }
}

function endorsementOf(row: Row): ExplainInput['endorsement'] {
  const { oldScheduledOut, oldScheduledIn, newScheduledOut, newScheduledIn, announcedAt } = row
  // The schema has all five of an endorsement; without one the join leaves all of them out.
  if (oldScheduledOut === null || oldScheduledIn === null) return null
  if (newScheduledOut === null || newScheduledIn === null || announcedAt === null) return null
  const { isRefundOffered } = row
  const schedules = { oldScheduledOut, oldScheduledIn, newScheduledOut, newScheduledIn }
  return { ...schedules, announcedAt, isRefundOffered }
}

/** A cancellation gives the whole premium back; of a book taken over from elsewhere none is known. */
function refundOf({ state, premiumMinor, currency: code }: Row): ExplainInput['refund'] {
  if (state !== 'CANCELLED_BY_HOLDER' || premiumMinor === null || premiumMinor === 0) return null
  return { minor: minorUnits(premiumMinor), currency: currency(code) }
}

function decisionOf(row: Row): ExplainInput['decision'] {
  const { outcome, bps, amountMinor, decidedAt } = row
  // The schema has all four of a decision, or none.
  if (outcome === null || bps === null || amountMinor === null || decidedAt === null) return null
  const amount = { minor: minorUnits(amountMinor), currency: currency(row.currency) }
  return { outcome, bps, amount, decidedAt }
}

function evaluationOf(row: Row): ExplainInput['evaluation'] {
  const { evaluationId, evaluationOutcome, evaluatedAt, evaluationFacts } = row
  if (evaluationId === null || evaluationOutcome === null || evaluatedAt === null) return null
  const isEmpty = evaluationFacts === null || evaluationFacts.version === undefined
  return {
    evaluationId,
    outcome: evaluationOutcome,
    delayMin: row.delayMin,
    reasons: row.reasons ?? [],
    facts: isEmpty ? emptyFacts() : evaluationFacts,
    evaluatedAt,
    sources: row.sources,
  }
}
