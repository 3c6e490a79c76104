/** Cursors of lists: the key of a page's last row, bound to the list and its filter. */
import { sql, type RawBuilder } from 'kysely'

import { PageCursorError, type Page, type PageRequest } from '../domain/ports/page.ts'

/** What a key's parts may look like, so that nothing else reaches the database. */
export const keyPart = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  integer: /^\d{1,15}$/,
  /** Microseconds since 1970: no row is lost between two of the same millisecond. */
  micros: /^\d{1,16}$/,
  date: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d)$|^\d{4}-(0[13-9]|1[0-2])-30$|^\d{4}-(0[13578]|1[02])-31$/,
  // oxlint-disable-next-line no-control-regex -- a zero byte is what PostgreSQL cannot store
  text: /^[^\u0000]{0,255}$/,
} as const

/** Microseconds of a timestamptz column, for a key. */
export function microsOf(column: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(extract(epoch from ${column}) * 1000000)::bigint::text`
}

/** The timestamptz of a key's microseconds; null stays null. */
export function timeOfMicros(micros: string | null): RawBuilder<unknown> {
  return sql`('epoch'::timestamptz + ${micros}::bigint * interval '1 microsecond')`
}

/**
 * The key that a page goes on after; null on the first page. `scope` names the list and its filter.
 * Throws PageCursorError on a cursor of another list or filter.
 */
export function readKey(
  { cursor }: PageRequest,
  scope: unknown,
  parts: readonly RegExp[],
): readonly string[] | null {
  if (cursor === undefined) return null
  const [madeFor, ...key] = decode(cursor)
  const isKey = parts.every((part, i) => typeof key[i] === 'string' && part.test(key[i]))
  if (typeof madeFor !== 'string' || key.length !== parts.length || !isKey) {
    throw new PageCursorError('not a cursor of this list')
  }
  if (madeFor !== JSON.stringify(scope)) throw new PageCursorError('made for another filter')
  return key.map(String)
}

function decode(cursor: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(parsed) ? (parsed as unknown[]) : []
  } catch (error) {
    throw new PageCursorError('not a cursor of this list', { cause: error })
  }
}

/** The page of rows that were asked for with one more than the limit, which tells whether more follow. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  { limit }: PageRequest,
  scope: unknown,
  shape: { readonly item: (row: Row) => Item; readonly key: (row: Row) => readonly string[] },
): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const isMore = rows.length > limit && last !== undefined
  const cursor = (row: Row) =>
    Buffer.from(JSON.stringify([JSON.stringify(scope), ...shape.key(row)])).toString('base64url')
  return { items: shown.map(shape.item), nextCursor: isMore ? cursor(last) : null }
}
