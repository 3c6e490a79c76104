/** Product versions in Postgres. */
import { isDeepStrictEqual } from 'node:util'

import { sql } from 'kysely'

import { ProductChangedError } from '../../domain/ports/product-store.ts'
import type { ProductStore, StoredProduct } from '../../domain/ports/product-store.ts'
import type { Product } from '../../domain/product.ts'
import type { Database } from '../client.ts'

/** The product store over a database. */
export function createProductStore(db: Database): ProductStore {
  return {
    ensure: (products) => ensure(db, products),
    latest: (codes) => latest(db, codes),
  }
}

async function ensure(db: Database, products: readonly Product[]): Promise<number> {
  return await db.transaction().execute(async (trx) => {
    const inserted = await sql`
      insert into product_version (id, code, version, rules)
      select groundstop_id('product|' || p.code || '|' || p.version), p.code, p.version, p.rules
      from unnest(
        ${products.map((product) => product.code)}::text[],
        ${products.map((product) => product.version)}::integer[],
        ${products.map((product) => JSON.stringify(product))}::jsonb[]
      ) as p (code, version, rules)
      order by p.code, p.version
      on conflict do nothing`.execute(trx)
    const stored = await sql<{ code: string; version: number; rules: Product }>`
      select code, version, rules from product_version
      where (code, version) in (
        select * from unnest(
          ${products.map((product) => product.code)}::text[],
          ${products.map((product) => product.version)}::integer[]))`.execute(trx)
    for (const product of products) {
      const same = stored.rows.find(
        (row) => row.code === product.code && row.version === product.version,
      )
      if (!isDeepStrictEqual(same?.rules, product)) throw new ProductChangedError(product)
    }
    return Number(inserted.numAffectedRows ?? 0n)
  })
}

async function latest(
  db: Database,
  codes: readonly string[],
): Promise<ReadonlyMap<string, StoredProduct>> {
  const { rows } = await sql<{ id: string; code: string; rules: Product }>`
    select distinct on (code) id, code, rules from product_version
    where code = any(${codes}::text[])
    order by code, version desc`.execute(db)
  return new Map(rows.map((row) => [row.code, { productVersionId: row.id, product: row.rules }]))
}
