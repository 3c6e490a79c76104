/** Makes sure that product versions are stored before a book refers to them. */
import type { ProductStore } from '../domain/ports/product-store.ts'
import { REFERENCE_PRODUCTS } from '../domain/product.ts'
import type { Product } from '../domain/product.ts'

/** Where product versions are stored. */
export type EnsureProductsDeps = { readonly productStore: ProductStore }

/**
 * Stores the versions not there yet (the reference products when none are given) and says how many
 * those were. Idempotent. Throws ProductChangedError when a stored version has other rules.
 */
export async function ensureProducts(
  deps: EnsureProductsDeps,
  input: { readonly products?: readonly Product[] } = {},
): Promise<{ readonly created: number }> {
  return { created: await deps.productStore.ensure(input.products ?? REFERENCE_PRODUCTS) }
}
