/** What texts of people may be made of, whichever door they come through. Pure. */

/** Longer reasons belong into a document. */
export const NOTE_LIMIT = 200

/** Control characters and halves of characters: what PostgreSQL cannot store, or a screen show. */
export const NOTE_TEXT: RegExp = /^[^\p{Cc}\p{Cs}]*$/u

/** Some paragraphs, or where a document is kept; documents themselves have no place here. */
export const EVIDENCE_LIMIT = 2_000

/** Lines and tabs, but no other control characters and no halves of characters. */
export const EVIDENCE_TEXT: RegExp = /^(?:[^\p{Cc}\p{Cs}]|[\n\t])*$/u

/** Texts that are looked for: without control characters, none of which anything is called by. */
// oxlint-disable-next-line no-control-regex -- a zero byte is what PostgreSQL cannot store
export const SEARCH_TEXT: RegExp = /^[^\u0000-\u001f]*$/

/** An airport as filters name it. */
export const IATA_CODE: RegExp = /^[A-Z]{3}$/

/** The first part of an account's name. */
export const ACCOUNT_KIND: RegExp = /^[a-z_]{1,40}$/

/** For whom a task is. */
export const TASK_TENANT: RegExp = /^[a-z0-9][a-z0-9-]{0,62}$/

/** For whom a run takes turns: the server takes keys of at most 64 bytes. */
export const RUN_TENANT: RegExp = /^[A-Za-z0-9._-]{1,64}$/
