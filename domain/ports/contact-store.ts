/** Holders' contact details: written at the doors, read only to send. */
import type { Contact } from '../contact.ts'

/** What became of contacts. */
export type SavedContacts = {
  readonly created: number
  readonly changed: number
  readonly unchanged: number
  /** Holders who asked to be erased: nothing of theirs was written. */
  readonly erased: readonly string[]
  /** Holders of another tenant than who saves: nothing of theirs was written. */
  readonly foreign: readonly string[]
}

/** Who erased a holder's contact, and why. */
export type ErasureNote = { readonly by: string; readonly reason: string }

/** Who saves contacts, for the audit trail, and for which tenant; the house when left out. */
export type ContactSaver = {
  readonly by?: string | undefined
  readonly tenant?: string | undefined
}

/** Contacts of one call at most: one statement. */
export const CONTACTS_PER_SAVE = 1_000

/** Stores contacts. */
export interface ContactStore {
  /**
   * Writes contacts whole, by `holderRef`, in one transaction; repeating changes
   * nothing. Who saves is noted in the audit trail, where the door says so, and never what. A tenant
   * saves its own holders, and takes those who are nobody's yet; the house saves anybody.
   */
  save(contacts: readonly Contact[], from?: ContactSaver): Promise<SavedContacts>
  /** Removes a contact with its subscriptions and its key, noted in the audit trail. False: none was there. */
  erase(holderRef: string, note: ErasureNote): Promise<boolean>
}
