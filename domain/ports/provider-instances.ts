/** What processes and keys leave behind in the account of outside services, as a port. */

/** What is left behind, by kind. */
export const INSTANCE_KINDS = [
  'provider-processes',
  'key-holders',
  'allowances',
  'plans',
  'provider-states',
] as const
export type InstanceKind = (typeof INSTANCE_KINDS)[number]

/** How much of each kind. */
export type InstanceCounts = Readonly<Record<InstanceKind, number>>

/** What processes that are alive hold to one outside service. */
export type ProviderConnections = {
  readonly provider: string
  readonly processes: number
  /** As last reported, at most some 20 s ago. */
  readonly connections: number
}

/** All ages are by the database's wall time. */
export interface ProviderInstances {
  /**
   * Forgets what nobody tends any more, at most `limit` of each kind; how much there was. What a process
   * or key that comes back needs, it makes anew.
   */
  removeStale(limit: number): Promise<InstanceCounts>
  /** Providers that have live processes, by name. */
  listOpen(): Promise<ProviderConnections[]>
}
