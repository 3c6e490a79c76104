import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createProductStore } from '../../db/stores/product-store.ts'
import { ProductChangedError } from '../../domain/ports/product-store.ts'
import { REFERENCE_PRODUCTS } from '../../domain/product.ts'
import type { Product } from '../../domain/product.ts'
import { ensureProducts } from '../../operations/ensure-products.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
})

test('the reference products are stored once, also from many processes at once', async () => {
  const productStore = createProductStore(database.db)
  const runs = Array.from({ length: 8 }, () => ensureProducts({ productStore }))
  const created = (await Promise.all(runs)).map((run) => run.created)
  expect(created.reduce((sum, n) => sum + n, 0)).toBe(REFERENCE_PRODUCTS.length)
  expect(await ensureProducts({ productStore })).toEqual({ created: 0 })
})

test('a stored version with other rules is refused and nothing is stored', async () => {
  const productStore = createProductStore(database.db)
  const [first] = REFERENCE_PRODUCTS
  if (first === undefined) throw new Error('no product')
  const changed: Product = { ...first, cancelBps: 1 }
  const added: Product = { ...first, code: 'ADDED' }
  const run = ensureProducts({ productStore }, { products: [added, changed] })
  await expect(run).rejects.toThrow(ProductChangedError)
  expect((await productStore.latest(['ADDED'])).size).toBe(0)
})

test('a code means its highest version', async () => {
  const productStore = createProductStore(database.db)
  const [first] = REFERENCE_PRODUCTS
  if (first === undefined) throw new Error('no product')
  const versions = [9, 10, 2].map((version) => ({ ...first, code: 'HIGHEST', version }))
  await ensureProducts({ productStore }, { products: versions })
  const latest = await productStore.latest(['HIGHEST', 'NONE'])
  expect([...latest.values()].map(({ product }) => product.version)).toEqual([10])
  const { rows } = await sql`
    select groundstop_id('product|HIGHEST|10') as id`.execute(database.db)
  expect(rows).toEqual([{ id: latest.get('HIGHEST')?.productVersionId }])
})
