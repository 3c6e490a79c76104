/** Pages of 15 records with a cursor, as AeroAPI counts and bills them. */
import type { Answer, SimulatorRequest } from '../http-server.ts'

/** Records in one page, the billed unit. */
export const PAGE_RECORDS = 15
/** The history endpoint's own limit; the others have none that matters here. */
const LARGEST_MAX_PAGES = 40

/** An error body of the dialect. */
export function renderProblem(
  status: number,
  title: string,
  reason: string,
  detail: string,
): Answer {
  return { status, body: JSON.stringify({ title, reason, detail, status }) }
}

/** 400 for a bad argument. */
export function badArgument(detail: string): Answer {
  return renderProblem(400, 'Invalid argument', 'INVALID_ARGUMENT', detail)
}

/** The pages asked for of `records`, with the link to the next; 400 for a bad cursor or max_pages. */
export function answerPages(
  request: SimulatorRequest,
  name: 'flights' | 'scheduled' | 'observations',
  records: readonly Record<string, unknown>[],
  pageRecords: number = PAGE_RECORDS,
): Answer {
  const maxPages = Number(request.query.get('max_pages') ?? 1)
  if (!Number.isInteger(maxPages) || maxPages < 1 || maxPages > LARGEST_MAX_PAGES) {
    return badArgument(`max_pages must be from 1 to ${LARGEST_MAX_PAGES}`)
  }
  const start = readCursor(request.query.get('cursor'))
  if (start === null) return badArgument('cursor is not one of ours')
  const end = Math.min(start + maxPages * pageRecords, records.length)
  const pages = Math.max(1, Math.ceil((end - start) / pageRecords))
  const links = end < records.length ? { next: nextLink(request, end) } : null
  return {
    status: 200,
    body: JSON.stringify({ links, num_pages: pages, [name]: records.slice(start, end) }),
  }
}

function nextLink(request: SimulatorRequest, at: number): string {
  const query = new URLSearchParams(request.query)
  query.set('cursor', Buffer.from(`at:${at}`).toString('base64url'))
  return `${request.path}?${query.toString()}`
}

function readCursor(cursor: string | null): number | null {
  if (cursor === null) return 0
  const match = /^at:(\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  return match?.[1] === undefined ? null : Number(match[1])
}
