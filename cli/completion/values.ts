/**
 * What the value of an option or an argument may be: the choices it declares, else what its placeholder
 * stands for. Reads no database: ids and names of the book are not offered.
 */
import type { Argument, Option } from 'commander'

/** A word, and what it means; empty where it says all itself. */
export type OfferedWord = { readonly word: string; readonly about: string }

/** Words, or the files of this machine, which the shell knows. */
export type Offer = { readonly words: readonly OfferedWord[] } | 'files'

/** By placeholder, as `<job>` in `--job <job>`; what they need is loaded when it is asked for. */
const VALUES: Readonly<Record<string, () => Promise<Offer>>> = {
  file: async () => 'files',
  // A product is a code of the book or a file.
  'code|file': async () => 'files',
  job: async () => {
    const { allJobs } = await import('../../jobs/registry.ts')
    return { words: allJobs().map(({ name, summary }) => ({ word: name, about: summary })) }
  },
  role: async () => {
    const { ROLES } = await import('../../domain/role.ts')
    return bare(ROLES)
  },
  setting: async () => {
    const { SETTINGS } = await import('../../domain/settings.ts')
    return { words: SETTINGS.map(({ key, description }) => ({ word: key, about: description })) }
  },
}

/** What is offered for the value; no words where anything may stand. */
export async function valuesOf(taker: Option | Argument): Promise<Offer> {
  if (taker.argChoices !== undefined) return bare(taker.argChoices)
  return (await VALUES[placeholder(taker)]?.()) ?? { words: [] }
}

/** `job` of an argument `<job>` and of an option `--job <job...>`. */
export function placeholder(taker: Option | Argument): string {
  if (!('flags' in taker)) return taker.name()
  return /[<[]([^>\].]+)(?:\.\.\.)?[>\]]/.exec(taker.flags)?.[1] ?? ''
}

function bare(words: readonly string[]): Offer {
  return { words: words.map((word) => ({ word, about: '' })) }
}
