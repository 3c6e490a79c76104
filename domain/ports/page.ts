/** Lists in pages: a page ends with a cursor that the next one goes on from. */

/** Which page of a list. */
export type PageRequest = {
  /** Items at most. */
  readonly limit: number
  /** `nextCursor` of the page before; left out for the first. */
  readonly cursor?: string | undefined
}

/** One page; `nextCursor` is null on the last. */
export type Page<Item> = { readonly items: readonly Item[]; readonly nextCursor: string | null }

/** Items of one page at most: what fits a screen many times over, and an answer of some 100 kB. */
export const PAGE_LIMIT = 200

/** The cursor was not made by this list with this filter. */
export class PageCursorError extends Error {
  override readonly name = 'PageCursorError'
}
