/** A rule taken out of the sources on purpose, and the tests that must notice. */

/** One text of a file in another's place; it must stand there exactly once. */
export type Edit = { readonly file: string; readonly find: string; readonly replace: string }

/** Tests of one file whose names fit `name`, all of which pass as long as the rule is there. */
export type Noticing = { readonly file: string; readonly name: string }

/** What `npm run test:broken-rules` breaks. */
export type BrokenRule = {
  /** As in the list of traps: `trap 7`. */
  readonly id: string
  /** What the product does without the rule. */
  readonly without: string
  readonly edits: readonly Edit[]
  readonly noticedBy: Noticing
}
