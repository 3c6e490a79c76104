/** Everything that is kept of one person, for the copy that they may ask for. */
import type { Contact } from '../contact.ts'

/** Rows of one kind as they are kept: plain JSON. */
export type PersonRows = readonly Readonly<Record<string, unknown>>[]

/** What is kept of a person. */
export type PersonData = {
  /** Null when we do not know how to reach them. */
  readonly contact: Omit<Contact, 'push'> | null
  /** Browsers that they allowed us to push to. */
  readonly browsers: readonly { readonly endpoint: string }[]
  readonly policies: PersonRows
  /** How each policy was decided, and on which facts. */
  readonly evaluations: PersonRows
  readonly payouts: PersonRows
  /** What they asked to be looked at again, in their words, and what came of it. */
  readonly appeals: PersonRows
  /** What they were told: when, by which channel, what became of it. */
  readonly notifications: PersonRows
  /** What people did with their data and their requests. */
  readonly trail: PersonRows
}

/** Rows of one kind at most. A person has a handful of policies; more is an agency's token. */
export const PERSON_ROWS_AT_MOST = 10_000

/** A token stands for more than one person's data. Never retried. */
export class PersonTooLargeError extends Error {
  override readonly name = 'PersonTooLargeError'
}

/** Reads a person. */
export interface PersonDataSource {
  /** In one snapshot. Throws PersonTooLargeError. */
  read(holderRef: string): Promise<PersonData>
}
