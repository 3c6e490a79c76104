/** Rows of files that commands take in, fitting and hostile, as both doors can be told them. */
import fc from 'fast-check'

import type { LegIdentity } from '../../domain/leg.ts'
import { hostile } from './schema-arbitrary.ts'

/** One row as a line of a file, or an entry of a body. */
export type Row = Readonly<Record<string, unknown>>

const ROWS_AT_MOST = 4

/** Rows of which most cells fit: `fitting` has some texts of each column. */
export function rowsOf(
  fitting: Readonly<Record<string, readonly string[]>>,
): fc.Arbitrary<readonly Row[]> {
  const cells = Object.entries(fitting).map(([column, texts]) => [
    column,
    fc.oneof(
      { weight: 60, arbitrary: fc.constantFrom<unknown>(...texts) },
      { weight: 1, arbitrary: hostile },
    ),
  ])
  const columns = Object.keys(fitting)
  const row = fc
    .tuple(
      fc.record(Object.fromEntries(cells) as Record<string, fc.Arbitrary<unknown>>),
      fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constantFrom(...columns)),
    )
    .map(([cellsOf, left]) =>
      Object.fromEntries(Object.entries(cellsOf).filter(([column]) => column !== left)),
    )
  return fc.array(row, { minLength: 1, maxLength: ROWS_AT_MOST })
}

/** Cells of policies on a leg that cover is sold of. */
export function policyCells(leg: LegIdentity): Record<string, readonly string[]> {
  return {
    policy_number: ['F-1', 'F-2', 'F-3', 'F-4', 'F-5'],
    product: ['FD45', 'FD120'],
    carrier: [leg.carrier],
    flight_number: [leg.flightNumber],
    origin: [leg.origin],
    destination: [leg.destination],
    departure_date: [leg.originLocalDate],
    sum_insured: ['250', '250.00'],
    currency: ['USD'],
    payee_ref: ['acct_F'],
    premium: ['7.50'],
  }
}

/** Cells of contacts. */
export const CONTACT_CELLS: Readonly<Record<string, readonly string[]>> = {
  holder_ref: ['acct_F', 'acct_G', 'acct_H'],
  name: ['Ada', 'Bob'],
  email: ['ada@example.com'],
  phone: ['+493012345678'],
  locale: ['en', 'de'],
  channels: ['email|sms', 'none'],
}
