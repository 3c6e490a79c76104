import { expect, test } from 'vitest'

import { demoContacts } from '../../../cli/demo/demo-contacts.ts'
import { parseContactRow } from '../../../domain/contact.ts'

const book = [
  'policy_number,payee_ref,bound_at',
  ...Array.from({ length: 100 }, (_, i) => `P${i},acct_${String(i % 60).padStart(3, '0')},x`),
  '',
].join('\n')

const rows = demoContacts(book)
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => {
    const [holder_ref, name, email, locale] = line.split(',')
    return { holder_ref, name, email, locale }
  })

test("each holder once, all of them such as an import takes, at addresses that are nobody's", () => {
  expect(new Set(rows.map((row) => row.holder_ref)).size).toBe(rows.length)
  for (const row of rows) expect(parseContactRow(row)).toMatchObject({ ok: true })
  expect(rows.every(({ email }) => email?.endsWith('@example.com'))).toBe(true)
})

test('one in twenty is not there, one in three reads German, and it is the same every time', () => {
  expect(rows).toHaveLength(57)
  expect(rows.filter(({ locale }) => locale === 'de').length).toBeGreaterThan(15)
  expect(demoContacts(book)).toBe(demoContacts(book))
})
