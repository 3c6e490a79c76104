/** Reads one policy with its leg, decision and payouts. */
import type { PolicyDetails, PolicyDetailsStore } from '../../domain/ports/policy-details.ts'
import type { Database } from '../client.ts'

/** Corrections and retimes are rare; more of them than this are a fault of ours. */
const REVISIONS_LIMIT = 100

/** The reader over this database. */
export function createPolicyDetailsStore(db: Database): PolicyDetailsStore {
  return {
    async find(policyNumber) {
      const row = await readPolicy(db, policyNumber)
      if (row === undefined) return null
      const [endorsements, payouts] = await Promise.all([
        readEndorsements(db, row.policyId),
        readPayouts(db, row.policyId),
      ])
      return toDetails(row, endorsements, payouts)
    },
  }
}

function readPolicy(db: Database, policyNumber: string) {
  return db
    .selectFrom('policy as p')
    .innerJoin('product_version as v', 'v.id', 'p.product_version_id')
    .innerJoin('flight_leg as l', 'l.id', 'p.leg_id')
    .leftJoin('evaluation as e', 'e.id', 'p.evaluation_id')
    .where('p.policy_number', '=', policyNumber)
    .select([
      'p.id as policyId',
      'p.policy_number as policyNumber',
      'p.tenant',
      'p.state',
      'p.marketing_ident as marketingIdent',
      'p.sum_insured_minor as sumInsuredMinor',
      'p.currency',
      'p.premium_minor as premiumMinor',
      'p.bound_at as boundAt',
      'p.cover_end as coverEnd',
      'p.insured_scheduled_out as insuredScheduledOut',
      'p.insured_scheduled_in as insuredScheduledIn',
      'p.outcome',
      'p.bps',
      'p.amount_minor as amountMinor',
      'p.decided_at as decidedAt',
      'v.code as productCode',
      'v.version as productVersion',
      'l.id as legId',
      'l.leg_key as legKey',
      'l.carrier',
      'l.flight_number as flightNumber',
      'l.origin',
      'l.destination',
      'l.origin_local_date as departureDate',
      'l.phase',
      'l.last_polled_at as lastPolledAt',
      'l.next_poll_at as nextPollAt',
      'e.delay_min as delayMin',
      'e.reasons',
    ])
    .executeTakeFirst()
}

function readEndorsements(db: Database, policyId: string): Promise<PolicyDetails['endorsements']> {
  return db
    .selectFrom('endorsement')
    .where('policy_id', '=', policyId)
    .orderBy('n')
    .limit(REVISIONS_LIMIT)
    .select([
      'n',
      'old_scheduled_out as oldScheduledOut',
      'old_scheduled_in as oldScheduledIn',
      'new_scheduled_out as newScheduledOut',
      'new_scheduled_in as newScheduledIn',
      'announced_at as announcedAt',
      'refund_offered as isRefundOffered',
    ])
    .execute()
}

function readPayouts(db: Database, policyId: string): Promise<PolicyDetails['payouts']> {
  return db
    .selectFrom('payout')
    .where('policy_id', '=', policyId)
    .orderBy('revision')
    .limit(REVISIONS_LIMIT)
    .select([
      'id as payoutId',
      'revision',
      'state',
      'amount_minor as amountMinor',
      'currency',
      'transfer_id as transferId',
      'created_at as createdAt',
      'paid_at as paidAt',
    ])
    .execute()
}

type PolicyRow = NonNullable<Awaited<ReturnType<typeof readPolicy>>>

function toDetails(
  row: PolicyRow,
  endorsements: PolicyDetails['endorsements'],
  payouts: PolicyDetails['payouts'],
): PolicyDetails {
  const { policyNumber, policyId, tenant, state, marketingIdent } = row
  const { sumInsuredMinor, currency, premiumMinor } = row
  return {
    policyNumber,
    policyId,
    tenant,
    product: { code: row.productCode, version: row.productVersion },
    state,
    marketingIdent,
    sumInsuredMinor,
    currency,
    premiumMinor,
    boundAt: row.boundAt,
    coverEnd: row.coverEnd,
    insuredScheduledOut: row.insuredScheduledOut,
    insuredScheduledIn: row.insuredScheduledIn,
    leg: {
      legId: row.legId,
      legKey: row.legKey,
      carrier: row.carrier,
      flightNumber: row.flightNumber,
      origin: row.origin,
      destination: row.destination,
      departureDate: row.departureDate,
      phase: row.phase,
      lastPolledAt: row.lastPolledAt,
      nextPollAt: row.nextPollAt,
    },
    endorsements,
    decision: toDecision(row),
    payouts,
  }
}

function toDecision(row: PolicyRow): PolicyDetails['decision'] {
  const { outcome, bps, amountMinor, decidedAt, delayMin, reasons } = row
  // The schema has all four of a decision, or none.
  if (outcome === null || bps === null || amountMinor === null || decidedAt === null) return null
  return {
    outcome: outcome === 'PAY' ? 'PAY' : 'NO_PAY',
    bps,
    amountMinor,
    delayMin,
    reasons: reasons ?? [],
    decidedAt,
  }
}
