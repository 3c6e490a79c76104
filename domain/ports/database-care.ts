/** What maintenance asks of the database. */

/** vacuum frees dead rows, reindex rebuilds indexes, analyze refreshes the planner's statistics. */
export type MaintenanceTask = 'vacuum' | 'reindex' | 'analyze'

/** Upkeep of this product's own tables. */
export interface DatabaseCare {
  /** Tables of this product, sorted by name. */
  listTables(): Promise<string[]>
  /** Size of all of them with indexes, bytes. */
  totalBytes(): Promise<number>
  /** Runs one task on one table; `locked` when others held its lock for the whole lock timeout. */
  run(task: MaintenanceTask, table: string): Promise<'done' | 'locked'>
}
