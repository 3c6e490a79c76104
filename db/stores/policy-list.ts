/** Lists policies by number. */
import { sql } from 'kysely'

import type { ListedPolicy, PolicyFilter, PolicyList } from '../../domain/ports/policy-list.ts'
import type { Database } from '../client.ts'
import { keyPart, pageOf, readKey } from '../keyset.ts'

type Row = Omit<ListedPolicy, 'product'> & { productCode: string; productVersion: number }

/** The list over this database. */
export function createPolicyList(db: Database): PolicyList {
  return {
    async list(filter, page) {
      const scope = ['policies', filter]
      const [after] = readKey(page, scope, [keyPart.text]) ?? [null]
      const { rows } = await sql<Row>`
        select p.policy_number as "policyNumber", p.tenant, v.code as "productCode",
          v.version as "productVersion", p.state, p.outcome, l.leg_key as "legKey",
          l.origin_local_date as "departureDate", p.insured_scheduled_in as "insuredScheduledIn",
          p.sum_insured_minor as "sumInsuredMinor", p.amount_minor as "amountMinor", p.currency,
          p.decided_at as "decidedAt"
        from policy p
        join product_version v on v.id = p.product_version_id
        join flight_leg l on l.id = p.leg_id
        where ${conditions(filter, after ?? null)}
        order by p.policy_number
        limit ${page.limit + 1}`.execute(db)
      return pageOf(rows, page, scope, { item: toItem, key: (row) => [row.policyNumber] })
    },
  }
}

// Only what is asked for is spoken of, so that the planner sees which index serves.
function conditions(filter: PolicyFilter, after: string | null) {
  const { state, product, outcome, legKey, departureDate, tenant } = filter
  const all = [sql`true`]
  if (after !== null) all.push(sql`p.policy_number > ${after}`)
  if (state !== undefined) all.push(sql`p.state = ${state}`)
  if (product !== undefined) all.push(sql`v.code = ${product}`)
  if (outcome === 'NONE') all.push(sql`p.outcome is null`)
  else if (outcome !== undefined) all.push(sql`p.outcome = ${outcome}`)
  if (legKey !== undefined) all.push(sql`l.leg_key = ${legKey}`)
  if (departureDate !== undefined) all.push(sql`l.origin_local_date = ${departureDate}::date`)
  if (tenant !== undefined) all.push(sql`p.tenant = ${tenant}`)
  return sql.join(all, sql` and `)
}

function toItem({ productCode, productVersion, ...row }: Row): ListedPolicy {
  return { ...row, product: { code: productCode, version: productVersion } }
}
