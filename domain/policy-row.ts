/**
 * One policy as a book lists it: reads and checks the columns of a row. Knows nothing of files, of the
 * provider's timetable or of what is already bound.
 */
import { knownCurrency, parseMajorAmount } from './currency.ts'
import { normaliseFlightNumber } from './leg.ts'
import type { LegIdentity } from './leg.ts'
import type { Currency, MinorUnits } from './money.ts'
import { TENANT_NAME } from './role.ts'
import { parseInstant, parseLocalDate } from './time.ts'
import type { Instant } from './time.ts'

/** A row as it came: CSV cells or the fields of a JSON object. */
export type RawPolicyRow = Readonly<Record<string, unknown>>

/** A policy as given from outside, checked and normalised. */
export type PolicyRow = {
  readonly policyNumber: string
  /** Code of the product; its latest version is bound. */
  readonly product: string
  /** As sold: a marketing flight is resolved to the operating leg when it is looked up. */
  readonly identity: LegIdentity
  readonly sumInsuredMinor: MinorUnits
  readonly currency: Currency
  readonly payeeRef: string
  /** When cover was bound elsewhere; null when it is bound now. */
  readonly boundAt: Instant | null
  readonly premiumMinor: MinorUnits | null
  /** Whose policy it is; null: of whoever brings the row. */
  readonly tenant: string | null
}

/** What cover is asked for, without who holds it: the part that a quote needs. */
export type CoverRow = Pick<PolicyRow, 'product' | 'identity' | 'sumInsuredMinor' | 'currency'>

/** Why a row cannot go in; `field` is the column. */
export type RowProblem = { readonly field: PolicyColumn; readonly reason: string }

/** A row that can be used, or everything that is wrong with it. */
export type ParsedRow<Row> =
  | { readonly ok: true; readonly row: Row }
  | { readonly ok: false; readonly problems: readonly RowProblem[] }

/** A row that can be bound, or everything that is wrong with it. */
export type ParsedPolicyRow = ParsedRow<PolicyRow>

/** Columns that describe cover, whoever holds it. */
export const COVER_COLUMNS = [
  'product',
  'carrier',
  'flight_number',
  'origin',
  'destination',
  'departure_date',
  'sum_insured',
  'currency',
] as const

/** Columns that every row must fill. */
export const REQUIRED_POLICY_COLUMNS = [
  'policy_number',
  'product',
  'carrier',
  'flight_number',
  'origin',
  'destination',
  'departure_date',
  'sum_insured',
  'currency',
  'payee_ref',
] as const

/** Columns that a row may leave out. */
export const OPTIONAL_POLICY_COLUMNS = ['bound_at', 'premium', 'tenant'] as const

/** A column of a policy row. */
export type PolicyColumn =
  | (typeof REQUIRED_POLICY_COLUMNS)[number]
  | (typeof OPTIONAL_POLICY_COLUMNS)[number]

// An export is comma-separated without quotes, so a number has no comma, quote, space or control.
const POLICY_NUMBER = /^[^\s,"'|\p{C}]{1,64}$/u
const PAYEE_REF = /^[^\s\p{C}]{1,255}$/u
const STORED_FLIGHT_NUMBER = /^(?:[1-9]\d{0,4}[A-Z]?|0)$/

/**
 * Reads a row, reporting every bad field at once. Amounts are in major units as decimal text
 * (`250.00`), dates `YYYY-MM-DD` on the wall at the origin, `bound_at` an instant with an offset.
 * Codes may be in lower case. Unknown fields are ignored: the caller tells about columns.
 */
export function parsePolicyRow(raw: RawPolicyRow): ParsedPolicyRow {
  const reader = new RowReader(raw)
  const { money, identity, product, sumInsured } = readCover(reader)
  const policyNumber = reader.required('policy_number', parsePolicyNumber)
  const payeeRef = reader.required('payee_ref', parsePayeeRef)
  const boundAt = reader.optional('bound_at', parseInstant)
  const premium = reader.optional('premium', (text) => parseMajorAmount(text, money ?? USD))
  const tenant = reader.optional('tenant', parseTenant)
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems }
  // Without a problem every required field was read.
  const row = { policyNumber, product, identity, currency: money, payeeRef, boundAt } as PolicyRow
  return {
    ok: true,
    row: { ...row, sumInsuredMinor: sumInsured as MinorUnits, premiumMinor: premium, tenant },
  }
}

/** As `parsePolicyRow`, of the columns that describe cover alone. */
export function parseCoverRow(raw: RawPolicyRow): ParsedRow<CoverRow> {
  const reader = new RowReader(raw)
  const { money, identity, product, sumInsured } = readCover(reader)
  if (reader.problems.length > 0) return { ok: false, problems: reader.problems }
  // Without a problem every field was read.
  const row = { product, identity, currency: money, sumInsuredMinor: sumInsured } as CoverRow
  return { ok: true, row }
}

/** Why a policy number or payee cannot be stored; none when both can. */
export function holderProblems(raw: {
  readonly policy_number: string
  readonly payee_ref: string
}): readonly RowProblem[] {
  const reader = new RowReader(raw)
  reader.required('policy_number', parsePolicyNumber)
  reader.required('payee_ref', parsePayeeRef)
  return reader.problems
}

function readCover(reader: RowReader) {
  const money = reader.required('currency', (text) => knownCurrency(text.toUpperCase()))
  const identity = {
    carrier: reader.required('carrier', matching(/^[A-Z0-9]{2}$/, 'a two-character IATA carrier')),
    flightNumber: reader.required('flight_number', parseFlightNumber),
    origin: reader.required('origin', matching(/^[A-Z]{3}$/, 'a three-letter IATA airport')),
    destination: reader.required(
      'destination',
      matching(/^[A-Z]{3}$/, 'a three-letter IATA airport'),
    ),
    originLocalDate: reader.required('departure_date', parseLocalDate),
  }
  const product = reader.required('product', matching(/^[A-Z][A-Z0-9_-]{1,31}$/, 'a product code'))
  const sumInsured = reader.required('sum_insured', (text) => parseSum(text, money))
  if (identity.origin !== null && identity.origin === identity.destination) {
    reader.problems.push({ field: 'destination', reason: 'is the origin' })
  }
  return { money, identity, product, sumInsured }
}

// Stands in while the currency itself is wrong, so that the amounts' other faults are still told.
const USD = 'USD' as Currency

class RowReader {
  readonly problems: RowProblem[] = []
  readonly #raw: RawPolicyRow

  constructor(raw: RawPolicyRow) {
    this.#raw = raw
  }

  required<T>(field: PolicyColumn, parse: (text: string) => T): T | null {
    const text = this.#text(field)
    if (text === '') this.problems.push({ field, reason: 'is missing' })
    return text === null || text === '' ? null : this.#parse(field, text, parse)
  }

  optional<T>(field: PolicyColumn, parse: (text: string) => T): T | null {
    const text = this.#text(field)
    return text === null || text === '' ? null : this.#parse(field, text, parse)
  }

  /** The trimmed text, '' when absent, null when of a wrong kind (already reported). */
  #text(field: PolicyColumn): string | null {
    const value = Object.hasOwn(this.#raw, field) ? this.#raw[field] : undefined
    if (value === undefined || value === null) return ''
    if (typeof value === 'string') return value.trim()
    if (typeof value === 'number') return String(value)
    this.problems.push({ field, reason: `is neither text nor a number` })
    return null
  }

  #parse<T>(field: PolicyColumn, text: string, parse: (text: string) => T): T | null {
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      this.problems.push({ field, reason: error.message })
      return null
    }
  }
}

function matching(pattern: RegExp, what: string): (text: string) => string {
  return (text) => {
    const upper = text.toUpperCase()
    if (!pattern.test(upper)) throw new RangeError(`not ${what}: ${text}`)
    return upper
  }
}

function parseTenant(text: string): string {
  if (!TENANT_NAME.test(text)) throw new RangeError(`not the name of a tenant: ${text}`)
  return text
}

function parseFlightNumber(text: string): string {
  const flightNumber = normaliseFlightNumber(text)
  if (!STORED_FLIGHT_NUMBER.test(flightNumber)) throw new RangeError(`not a flight number: ${text}`)
  return flightNumber
}

function parsePolicyNumber(text: string): string {
  if (!POLICY_NUMBER.test(text)) {
    throw new RangeError(`not 1 to 64 characters without spaces, commas, quotes and bars: ${text}`)
  }
  return text
}

function parsePayeeRef(text: string): string {
  if (!PAYEE_REF.test(text)) throw new RangeError('not 1 to 255 characters without spaces')
  return text
}

function parseSum(text: string, money: Currency | null): MinorUnits {
  const sum = parseMajorAmount(text, money ?? USD)
  if (sum === 0) throw new RangeError('must be more than zero')
  return sum
}
