/** Holders by whose they are. */

/** A holder's token, the policies' `payee_ref`, and the tenant that names it. */
export type TenantHolder = { readonly holderRef: string; readonly tenant: string }

/** Tells tokens of others. */
export interface TenantHolders {
  /** Those of the tokens that are another tenant's than is said of each. At most MAX_BIND_PAGE. */
  foreignHolders(holders: readonly TenantHolder[]): Promise<ReadonlySet<string>>
}
