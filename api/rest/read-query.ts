/** What the reading routes share: pages, texts that are safe to look for, and what is not there. */
import type { Request } from 'express'
import { z } from 'zod'

import { PAGE_LIMIT, PageCursorError, type Page } from '../../domain/ports/page.ts'
import { SEARCH_TEXT } from '../../domain/plain-text.ts'
import { parseInstant, parseLocalDate, type Instant } from '../../domain/time.ts'
import { invalidRequest, ProblemError } from '../problem.ts'

const PAGE_DEFAULT = 50

/** `limit` and `cursor`, beside a list's filters. */
export const pageFields = {
  limit: z.coerce.number().int().min(1).max(PAGE_LIMIT).default(PAGE_DEFAULT),
  cursor: z.string().min(1).max(4_096).optional(),
}

/** A text to look for, without control characters. */
export const lookFor = (greatestLength: number): z.ZodString =>
  z.string().min(1).max(greatestLength).regex(SEARCH_TEXT, 'text without control characters')

/** An instant in a text, whose schema says what else it must be. */
export function instantOf(text: z.ZodString): z.ZodType<Instant, string> {
  return text.transform((value, context) => {
    try {
      return parseInstant(value)
    } catch {
      context.addIssue({ code: 'custom', message: 'an ISO-8601 instant with an offset or Z' })
      return z.NEVER
    }
  })
}

/** A date `YYYY-MM-DD` of the calendar. */
export const localDate = z.string().transform((text, context) => {
  try {
    return parseLocalDate(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'a date YYYY-MM-DD' })
    return z.NEVER
  }
})

/** A part of the path; one that could not be stored names nothing: 404. */
export function pathText(request: Request, name: string, what: string): string {
  const value = request.params[name]
  if (typeof value === 'string' && value.length <= 255 && SEARCH_TEXT.test(value)) return value
  throw notFound(what)
}

/** A 404 problem. */
export function notFound(what: string): ProblemError {
  return new ProblemError(404, 'not-found', `there is no such ${what}`)
}

/** The thing, or a 404 problem. */
export function found<T>(value: T | null, what: string): T {
  if (value === null) throw notFound(what)
  return value
}

/** The page; a cursor of another list or filter is a 400 problem. */
export async function pageOrProblem<T>(page: Promise<Page<T>>): Promise<Page<T>> {
  try {
    return await page
  } catch (error) {
    if (!(error instanceof PageCursorError)) throw error
    throw invalidRequest([{ path: 'cursor', message: error.message }], 'query')
  }
}
