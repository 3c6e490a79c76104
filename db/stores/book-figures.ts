/** Adds exposure and losses up in one pass over the policies. */
import { sql } from 'kysely'

import {
  FIGURES_LIMIT,
  type BookFigures,
  type Exposure,
  type ExposureGroup,
  type LossGroup,
  type LossRatio,
} from '../../domain/ports/book-figures.ts'
import type { Database } from '../client.ts'

/** The figures over this database. */
export function createBookFigures(db: Database): BookFigures {
  return { exposure: (by) => exposure(db, by), lossRatio: (by) => lossRatio(db, by) }
}

const GROUP_SQL: Readonly<Record<ExposureGroup | LossGroup, ReturnType<typeof sql>>> = {
  day: sql`l.origin_local_date::text`,
  month: sql`to_char(l.origin_local_date, 'YYYY-MM')`,
  origin: sql`l.origin`,
  destination: sql`l.destination`,
  carrier: sql`l.carrier`,
  product: sql`v.code`,
}

async function exposure(db: Database, by: ExposureGroup): Promise<Exposure[]> {
  const { rows } = await sql<Exposure>`
    select ${GROUP_SQL[by]} as "group", p.currency, count(*) as policies,
      count(distinct p.leg_id) as legs, sum(p.sum_insured_minor)::text as "sumInsuredMinor"
    from policy p
    join flight_leg l on l.id = p.leg_id
    join product_version v on v.id = p.product_version_id
    where p.outcome is null and p.state not in ('DECLINED', 'CANCELLED_BY_HOLDER')
    group by 1, 2 order by 1, 2
    limit ${FIGURES_LIMIT}`.execute(db)
  return rows
}

async function lossRatio(db: Database, by: LossGroup): Promise<LossRatio[]> {
  const { rows } = await sql<LossRatio>`
    with loss as (
      select ${GROUP_SQL[by]} as "group", p.currency, p.sum_insured_minor, p.premium_minor,
        coalesce(o.paid, 0) as paid, coalesce(o.payable, 0) as payable
      from policy p
      join flight_leg l on l.id = p.leg_id
      join product_version v on v.id = p.product_version_id
      left join (
        select policy_id, sum(amount_minor) filter (where state = 'PAID') as paid,
          sum(amount_minor) filter (where state not in ('PAID', 'CANCELLED')) as payable
        from payout group by policy_id) as o on o.policy_id = p.id
      where p.outcome is not null
    )
    select "group", currency, count(*) as policies, sum(sum_insured_minor)::text as "sumInsuredMinor",
      sum(paid)::text as "paidMinor", sum(payable)::text as "payableMinor",
      round(sum(paid + payable) / sum(sum_insured_minor), 4)::text as "overSumInsured",
      sum(premium_minor)::text as "premiumMinor",
      round(sum(paid + payable) filter (where premium_minor is not null)
        / nullif(sum(premium_minor), 0), 4)::text as "overPremium"
    from loss
    group by 1, 2 order by 1, 2
    limit ${FIGURES_LIMIT}`.execute(db)
  return rows
}
