/** The dialect's lists: newest first, filtered, paged by `starting_after`. */
import type { Answer } from '../http-server.ts'
import { renderError } from './transfer.ts'

const DEFAULT_LIMIT = 10
const LARGEST_LIMIT = 100

const CREATED_TESTS: Record<string, (created: number, bound: number) => boolean> = {
  'created[gt]': (created, bound) => created > bound,
  'created[gte]': (created, bound) => created >= bound,
  'created[lt]': (created, bound) => created < bound,
  'created[lte]': (created, bound) => created <= bound,
  created: (created, bound) => created === bound,
}

/** What a list is made of. */
export type ObjectList<T extends { readonly created: number }> = {
  readonly url: string
  /** Oldest first. */
  readonly objects: readonly T[]
  readonly idOf: (object: T) => string
  /** Filters beside those by time. */
  readonly isMatch: (object: T) => boolean
  readonly render: (object: T) => string
}

/** A page, or the dialect's 400 for a bad limit or cursor. */
export function listObjects<T extends { readonly created: number }>(
  list: ObjectList<T>,
  query: URLSearchParams,
): Answer {
  const limit = Number(query.get('limit') ?? DEFAULT_LIMIT)
  if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_LIMIT) {
    return invalid(`Invalid limit: must be between 1 and ${LARGEST_LIMIT}`, 'limit')
  }
  const after = query.get('starting_after')
  const { objects, idOf } = list
  const isAfter = (one: T) => list.isMatch(one) && idOf(one) === after
  const from = after === null ? objects.length : objects.findLastIndex(isAfter)
  if (from === -1) return invalid(`No such object: '${after}'`, 'starting_after')
  const isInTime = timeFilter(query)
  const page: T[] = []
  let hasMore = false
  for (let index = from - 1; index >= 0; index -= 1) {
    const object = objects[index]
    if (object === undefined) break
    if (!isInTime(object.created) || !list.isMatch(object)) continue
    if (page.length === limit) {
      hasMore = true
      break
    }
    page.push(object)
  }
  const data = page.map(list.render).join(',')
  return {
    status: 200,
    body: `{"object":"list","url":"${list.url}","has_more":${hasMore},"data":[${data}]}`,
  }
}

function timeFilter(query: URLSearchParams): (created: number) => boolean {
  const bounds = Object.entries(CREATED_TESTS).flatMap(([name, test]) => {
    const bound = query.get(name)
    return bound === null ? [] : [{ test, bound: Number(bound) }]
  })
  return (created) => bounds.every(({ test, bound }) => test(created, bound))
}

function invalid(message: string, param: string): Answer {
  return { status: 400, body: renderError('invalid_request_error', message, { param }) }
}
