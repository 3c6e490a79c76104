/** Takes contact details in: checks rows, writes them page by page. Knows rows, not files. */
import { parseContactRow, type Contact, type RawContactRow } from '../domain/contact.ts'
import {
  CONTACTS_PER_SAVE,
  type ContactSaver,
  type ContactStore,
} from '../domain/ports/contact-store.ts'
import { FOREIGN_HOLDER } from './policy-page.ts'

/** A row with its place, for messages only. */
export type PlacedContactRow = {
  readonly line: number
  readonly row: RawContactRow
  /** Why the row could not be read as one, when it could not. */
  readonly unreadable?: { readonly field: string; readonly reason: string }
}

/** A row that was not taken. It never repeats what the row held: that may be an address. */
export type RejectedContact = {
  readonly line: number
  readonly field: string
  readonly reason: string
}

/** What became of the rows. */
export type ImportedContacts = {
  readonly created: number
  readonly changed: number
  readonly unchanged: number
  /** In the order of lines. */
  readonly rejected: readonly RejectedContact[]
}

/** Where contacts go, who brings them, and for which tenant; the house when left out. */
export type ImportContactsDeps = ContactSaver & { readonly contactStore: ContactStore }

/**
 * Imports rows: good ones go in, bad ones are told with line, field and reason. A row replaces what is
 * known of its holder; browsers are added. Repeating changes nothing. Pages already written stay.
 */
export async function importContacts(
  { contactStore, by, tenant }: ImportContactsDeps,
  rows: AsyncIterable<PlacedContactRow> | Iterable<PlacedContactRow>,
  signal?: AbortSignal,
): Promise<ImportedContacts> {
  const total = { created: 0, changed: 0, unchanged: 0 }
  const rejected: RejectedContact[] = []
  let page: PlacedContact[] = []
  const flush = async (): Promise<void> => {
    signal?.throwIfAborted()
    const saved = await contactStore.save(
      page.map(({ contact }) => contact),
      { by, tenant },
    )
    rejected.push(...page.filter(isAmong(saved.erased)).map(wasErased))
    rejected.push(...page.filter(isAmong(saved.foreign)).map(isForeign))
    total.created += saved.created
    total.changed += saved.changed
    total.unchanged += saved.unchanged
    page = []
  }
  for await (const { line, row, unreadable } of rows) {
    const problems = unreadable === undefined ? take(row, line, page) : [unreadable]
    for (const { field, reason } of problems) rejected.push({ line, field, reason })
    if (page.length === CONTACTS_PER_SAVE) await flush()
  }
  if (page.length > 0) await flush()
  return { ...total, rejected: rejected.toSorted((a, b) => a.line - b.line) }
}

type PlacedContact = { readonly line: number; readonly contact: Contact }

/** Adds the row's contact to the page; what is wrong with it when something is. */
function take(
  row: RawContactRow,
  line: number,
  page: PlacedContact[],
): readonly { field: string; reason: string }[] {
  const parsed = parseContactRow(row)
  if (!parsed.ok) return parsed.problems
  page.push({ line, contact: parsed.contact })
  return []
}

function isAmong(refs: readonly string[]): (placed: PlacedContact) => boolean {
  return ({ contact }) => refs.includes(contact.holderRef)
}

function wasErased({ line }: PlacedContact): RejectedContact {
  return { line, field: 'holder_ref', reason: 'was erased at their own request' }
}

function isForeign({ line }: PlacedContact): RejectedContact {
  return { line, field: 'holder_ref', reason: FOREIGN_HOLDER }
}
