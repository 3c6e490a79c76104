/** Policies in Postgres: binding with escrow and ledger, look-up and export (binding itself is in policy-binding.ts). */
import { sql } from 'kysely'

import { MAX_BIND_PAGE } from '../../domain/ports/policy-store.ts'
import type { BoundPolicy, DecidedPolicy, PolicyStore } from '../../domain/ports/policy-store.ts'
import type { Database } from '../client.ts'
import { retriedTransaction } from '../retried-transaction.ts'
import { bindPage } from './policy-binding.ts'
import { foreignHolders } from './tenant-holders.ts'

/** The policy store over a database. */
export function createPolicyStore(db: Database): PolicyStore {
  return {
    findBound: (policyNumbers) => findBound(db, policyNumbers),
    bind: async (page) => {
      if (page.policies.length > MAX_BIND_PAGE) throw new RangeError('page of policies is too long')
      return await retriedTransaction(db, (trx) => bindPage(trx, page))
    },
    foreignHolders: (holders) => {
      if (holders.length > MAX_BIND_PAGE) throw new RangeError('page of holders is too long')
      return foreignHolders(db, holders)
    },
    listDecided: (after, limit) => listDecided(db, after, limit),
  }
}

async function findBound(
  db: Database,
  policyNumbers: readonly string[],
): Promise<ReadonlyMap<string, BoundPolicy>> {
  if (policyNumbers.length > MAX_BIND_PAGE) throw new RangeError('page of numbers is too long')
  const { rows } = await sql<BoundPolicy>`
    select p.policy_number as "policyNumber", v.code as "productCode", l.leg_key as "legKey",
      l.origin_local_date as "originLocalDate", p.marketing_ident as "marketingIdent",
      p.sum_insured_minor as "sumInsuredMinor", p.currency, p.payee_ref as "payeeRef",
      p.premium_minor as "premiumMinor", p.bound_at as "boundAt", p.tenant
    from policy p
    join product_version v on v.id = p.product_version_id
    join flight_leg l on l.id = p.leg_id
    where p.policy_number = any(${policyNumbers}::text[])
    limit ${MAX_BIND_PAGE}`.execute(db)
  return new Map(rows.map((row) => [row.policyNumber, row]))
}

async function listDecided(
  db: Database,
  after: string | null,
  limit: number,
): Promise<DecidedPolicy[]> {
  const { rows } = await sql<DecidedPolicy>`
    select p.policy_number as "policyNumber", l.leg_key as "legKey", p.outcome,
      coalesce(o.bps, p.bps) as bps, p.amount_minor + coalesce(o.further_minor, 0) as "amountMinor",
      coalesce(o.payouts, '[]') as payouts
    from policy p
    join flight_leg l on l.id = p.leg_id
    left join lateral (
      select max(v.bps) filter (where x.revision > 0) as bps,
        (sum(x.amount_minor) filter (where x.revision > 0))::bigint as further_minor,
        jsonb_agg(jsonb_build_object('payoutId', x.id, 'transferId', x.transfer_id)
          order by x.revision) as payouts
      from payout x
      join evaluation v on v.id = x.evaluation_id
      where x.policy_id = p.id and (x.revision = 0 or x.state <> 'CANCELLED')
    ) as o on true
    where p.outcome is not null and p.policy_number > ${after ?? ''}
    order by p.policy_number
    limit ${limit}`.execute(db)
  return rows
}
