/** Where product versions are kept. A stored version never changes. */
import type { Product } from '../product.ts'

/** A product version with its id. */
export type StoredProduct = {
  /** The id of the version, which policies refer to. */
  readonly productVersionId: string
  readonly product: Product
}

/** A product version is stored already with other rules; the cure is a higher version number. */
export class ProductChangedError extends Error {
  override readonly name = 'ProductChangedError'
  readonly code = 'PRODUCT_CHANGED'

  constructor(product: Product) {
    super(
      `product ${product.code} version ${product.version} is already stored with other rules: ` +
        'give the changed rules a higher version',
    )
  }
}

/** Product versions, written once. */
export interface ProductStore {
  /**
   * Stores the versions that are not there yet and says how many those were. Idempotent. Throws
   * ProductChangedError, storing nothing, when a stored version differs.
   */
  ensure(products: readonly Product[]): Promise<number>
  /** The highest version of each code that exists. */
  latest(codes: readonly string[]): Promise<ReadonlyMap<string, StoredProduct>>
}
