/** Vacuum, reindex or analyze, table by table; a table whose lock is not to be had is skipped. */
import type { DatabaseCare, MaintenanceTask } from '../domain/ports/database-care.ts'

/** Which tables were done and which were left alone. */
export type MaintenanceReport = {
  readonly task: MaintenanceTask
  readonly done: readonly string[]
  readonly skipped: readonly { readonly table: string; readonly reason: string }[]
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** A table was named that this product does not have. Not retried. */
export class UnknownTableError extends Error {
  override readonly name = 'UnknownTableError'
}

/**
 * Runs one task over `tables`, or over all tables of the product. May be repeated: doing it again
 * is only slower. Throws UnknownTableError before anything was done, naming every unknown table.
 */
export async function maintainDatabase(
  deps: { readonly databaseCare: DatabaseCare },
  input: { readonly task: MaintenanceTask; readonly tables?: readonly string[] },
  options: {
    readonly onProgress?: (done: number, total: number) => void
    readonly signal?: AbortSignal
  } = {},
): Promise<MaintenanceReport> {
  const { databaseCare } = deps
  const present = await databaseCare.listTables()
  const tables = input.tables ?? present
  const unknown = tables.filter((table) => !present.includes(table))
  if (unknown.length > 0) throw new UnknownTableError(`no such table: ${unknown.join(', ')}`)
  const bytesBefore = await databaseCare.totalBytes()
  const done: string[] = []
  const skipped: { table: string; reason: string }[] = []
  for (const [i, table] of tables.entries()) {
    options.signal?.throwIfAborted()
    const outcome = await databaseCare.run(input.task, table)
    if (outcome === 'done') done.push(table)
    else skipped.push({ table, reason: 'its lock was not to be had in time' })
    options.onProgress?.(i + 1, tables.length)
  }
  const bytesAfter = await databaseCare.totalBytes()
  return { task: input.task, done, skipped, bytesBefore, bytesAfter }
}
