/** Dead letters: runs for which nothing goes on by itself. Pure. */

/** What may be open at once; the oldest beyond it are archived, never dropped. */
export const OPEN_LETTERS_AT_MOST = 1_000

/** All states of a letter; only those in REDRIVABLE may be redriven or discarded. */
export const LETTER_STATES = [
  'OPEN',
  'REDRIVING',
  'REDRIVEN',
  'DISCARDED',
  'COVERED',
  'RECOVERED',
  'ARCHIVED',
] as const

/** The state of a letter. */
export type LetterState = (typeof LETTER_STATES)[number]

/** States from which a person may act: REDRIVING is a redrive that died before it answered. */
export const REDRIVABLE: readonly LetterState[] = ['OPEN', 'ARCHIVED', 'REDRIVING']

/** Longer fingerprints tell nothing more apart. */
const FINGERPRINT_LIMIT = 200

/** An error's message without what differs from one occurrence to the next: ids, numbers, quotes. */
export function fingerprintOf(message: string | null): string {
  return (message ?? '')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
    .replaceAll(/\b\d{4}-\d{2}-\d{2}T[\d:.]+Z?/g, '<time>')
    .replaceAll(/\b(?=\w*\d)\w{6,}\b/g, '<id>')
    .replaceAll(/\d+/g, '<n>')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, FINGERPRINT_LIMIT)
}
