/** Contacts of the demo's holders: invented names at a domain that is reserved for examples. */

const FIRST_NAMES = [
  'Ada',
  'Ben',
  'Clara',
  'David',
  'Emma',
  'Felix',
  'Greta',
  'Hugo',
  'Ines',
  'Jonas',
]
const LAST_NAMES = ['Abel', 'Brandt', 'Costa', 'Dorn', 'Evans', 'Fuchs', 'Green', 'Hahn', 'Ito']

const COLUMNS = 'holder_ref,name,email,locale'
const PAYEE_COLUMN = 'payee_ref'

/** One in this many holders has left no contact: messages to them are seen to be suppressed. */
const WITHOUT_CONTACT = 20
/** One in this many reads German. */
const IN_GERMAN = 3

/** The invented holder number `i`, from 0; null for one who left no contact. */
export function demoPerson(i: number): { name: string; email: string; locale: 'de' | 'en' } | null {
  if (i % WITHOUT_CONTACT === WITHOUT_CONTACT - 1) return null
  const first = FIRST_NAMES[i % FIRST_NAMES.length] ?? ''
  const last = LAST_NAMES[Math.floor(i / FIRST_NAMES.length) % LAST_NAMES.length] ?? ''
  return {
    name: `${first} ${last}`,
    email: `${first}.${last}.${i + 1}@example.com`.toLowerCase(),
    locale: i % IN_GERMAN === 0 ? 'de' : 'en',
  }
}

/** Contacts, as CSV text, of the holders of a book as `demoBook` writes it. */
export function demoContacts(book: string): string {
  const [header = '', ...lines] = book.trimEnd().split('\n')
  const column = header.split(',').indexOf(PAYEE_COLUMN)
  const holders = [...new Set(lines.map((line) => line.split(',')[column] ?? ''))].toSorted()
  const rows = holders.flatMap((holderRef, i) => {
    const person = demoPerson(i)
    if (person === null) return []
    return [[holderRef, person.name, person.email, person.locale].join(',')]
  })
  return [COLUMNS, ...rows, ''].join('\n')
}
