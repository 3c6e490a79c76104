/** Parsers of texts on the command line: the same texts as the API takes, else an error of usage. */
import { InvalidArgumentError } from 'commander'

import { HOLDER_REF } from '../domain/contact.ts'
import {
  ACCOUNT_KIND,
  IATA_CODE,
  NOTE_LIMIT,
  NOTE_TEXT,
  SEARCH_TEXT,
  TASK_TENANT,
} from '../domain/plain-text.ts'

/** A text to look for, of at most so many characters. */
export function searchText(limit: number): (text: string) => string {
  return (text) => {
    if (text !== '' && text.length <= limit && SEARCH_TEXT.test(text)) return text
    throw new InvalidArgumentError(`1 to ${limit} characters, no control characters`)
  }
}

/** A text of a note without blanks around it; null when it is none. */
export function noteTextOf(text: string): string | null {
  const trimmed = text.trim()
  return trimmed !== '' && trimmed.length <= NOTE_LIMIT && NOTE_TEXT.test(text) ? trimmed : null
}

/** A name that is noted, as a task's owner. */
export function noteText(text: string): string {
  const noted = noteTextOf(text)
  if (noted !== null) return noted
  throw new InvalidArgumentError(`1 to ${NOTE_LIMIT} characters, no control characters`)
}

/** An airport to look for. */
export const iataCode: (text: string) => string = matching(
  IATA_CODE,
  'three capital letters, as JFK',
)

/** The kind of accounts to look for. */
export const accountKind: (text: string) => string = matching(
  ACCOUNT_KIND,
  'the text before the first colon, as pool',
)

/** The token that policies name their holder by. */
export const holderRef: (text: string) => string = matching(
  HOLDER_REF,
  '1 to 255 characters without spaces',
)

/** For whom a task is. */
export const taskTenant: (text: string) => string = matching(
  TASK_TENANT,
  '1 to 63 small letters, digits and hyphens',
)

/** The id that the server or the book gave to something. */
export function uuid(text: string): string {
  if (isUuid(text)) return text.toLowerCase()
  throw new InvalidArgumentError(`"${text}" is not an id`)
}

/** Whether a text is such an id; the database would refuse any other. */
export function isUuid(text: string): boolean {
  return UUID.test(text)
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function matching(pattern: RegExp, what: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text
    throw new InvalidArgumentError(what)
  }
}
