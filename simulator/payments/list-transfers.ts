/** `GET /v1/transfers`: newest first, filtered, paged by `starting_after`. */
import type { Answer } from '../http-server.ts'
import type { Book } from './book.ts'
import { renderError, renderTransfer, type StoredTransfer } from './transfer.ts'

const DEFAULT_LIMIT = 10
const LARGEST_LIMIT = 100

const CREATED_TESTS: Record<string, (created: number, bound: number) => boolean> = {
  'created[gt]': (created, bound) => created > bound,
  'created[gte]': (created, bound) => created >= bound,
  'created[lt]': (created, bound) => created < bound,
  'created[lte]': (created, bound) => created <= bound,
  created: (created, bound) => created === bound,
}

/** A page of transfers, or the dialect's 400 for a bad limit or cursor. */
export function listTransfers(book: Book, query: URLSearchParams): Answer {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT) {
    return invalid(`Invalid limit: must be between 1 and ${LARGEST_LIMIT}`, 'limit')
  }
  const after = query.get('starting_after')
  if (after !== null && book.byId(after) === null) {
    return invalid(`No such transfer: '${after}'`, 'starting_after')
  }
  const group = query.get('transfer_group')
  const source = group === null ? book.transfers : book.byGroup(group)
  const isMatch = matcher(query)
  const page: StoredTransfer[] = []
  let hasMore = false
  let hasStarted = after === null
  for (let index = source.length - 1; index >= 0; index -= 1) {
    const transfer = source[index]
    if (transfer === undefined) break
    if (!hasStarted) {
      hasStarted = transfer.id === after
      continue
    }
    if (!isMatch(transfer)) continue
    if (page.length === limit) {
      hasMore = true
      break
    }
    page.push(transfer)
  }
  const data = page.map(renderTransfer).join(',')
  return {
    status: 200,
    body: `{"object":"list","url":"/v1/transfers","has_more":${hasMore},"data":[${data}]}`,
  }
}

function matcher(query: URLSearchParams): (transfer: StoredTransfer) => boolean {
  const destination = query.get('destination')
  const bounds = Object.entries(CREATED_TESTS).flatMap(([name, test]) => {
    const bound = query.get(name)
    return bound === null ? [] : [{ test, bound: Number(bound) }]
  })
  return (transfer) =>
    (destination === null || transfer.destination === destination) &&
    bounds.every(({ test, bound }) => test(transfer.created, bound))
}

function invalid(message: string, param: string): Answer {
  return { status: 400, body: renderError('invalid_request_error', message, { param }) }
}
