/** What stops the sale of a product, read where it is quoted and where it is bound. */
import { sql } from 'kysely'
import type { Transaction } from 'kysely'

import { SALES_OPEN } from '../../domain/ports/setting-store.ts'
import type { SaleState } from '../../domain/underwriting.ts'
import type { Database } from '../client.ts'
import type { DB } from '../types.generated.ts'

/** The state of sale; a setting that cannot be read as a flag closes it. */
export async function readSaleState(
  db: Database | Transaction<DB>,
  product: string,
): Promise<SaleState> {
  const { rows } = await sql<SaleState>`
    select coalesce((
        select s.value = 'true'::jsonb from setting s where s.key = ${SALES_OPEN}), true) as "isOpen",
      coalesce((
        select c.is_armed from cover_switch c where c.product = ${product}), true) as "isArmed"
  `.execute(db)
  return rows[0] ?? { isOpen: false, isArmed: false }
}
