/** Reads the rows of a book out of a request's body: JSON, one JSON object a line, or CSV. */
import { CsvError, parse } from 'csv-parse/sync'
import { z } from 'zod'

import {
  OPTIONAL_POLICY_COLUMNS,
  REQUIRED_POLICY_COLUMNS,
  type RawPolicyRow,
} from '../domain/policy-row.ts'
import { invalidRequest, parseInput } from './problem.ts'

/** Rows of one request at most: what is bound in one transaction. */
export const ROWS_LIMIT = 5_000

/** Content types of one JSON object a line. */
export const NDJSON_TYPES = ['application/x-ndjson', 'application/jsonl'] as const
/** Content type of comma-separated columns. */
export const CSV_TYPE = 'text/csv'

/** A row and how a caller finds it: `policies.3` in a JSON body, `line 4` in a file. */
export type BodyRow = { readonly at: string; readonly row: RawPolicyRow }

/** The rows of a body. */
export type BodyRows = {
  /** Whether the body was one policy, to be answered as one. */
  readonly isSingle: boolean
  readonly rows: readonly BodyRow[]
}

const COLUMNS = new Set<string>([...REQUIRED_POLICY_COLUMNS, ...OPTIONAL_POLICY_COLUMNS])

const object = z.record(z.string(), z.unknown(), 'a JSON object')
const book = z.strictObject({
  policies: z
    .array(object, 'a list of policies')
    .min(1, 'at least one policy')
    .max(ROWS_LIMIT, `at most ${ROWS_LIMIT} policies in one request`),
})

const cell = z.union([z.string(), z.number()])
const row = z.strictObject({
  ...Object.fromEntries(REQUIRED_POLICY_COLUMNS.map((column) => [column, cell])),
  ...Object.fromEntries(OPTIONAL_POLICY_COLUMNS.map((column) => [column, cell.nullish()])),
})

/** What a JSON body of policies looks like; what its cells may hold is told row by row. */
export const rowsBody: z.ZodType = z.union([
  row,
  z.strictObject({ policies: z.array(row).min(1).max(ROWS_LIMIT) }),
])

/** The fields of a row that are no columns. */
export function unknownFields(row: RawPolicyRow): string[] {
  return Object.keys(row).filter((field) => !COLUMNS.has(field))
}

/** Rows of a JSON body: one policy, or `{policies: [...]}`. Throws a 422 problem. */
export function rowsOfJson(body: unknown): BodyRows {
  const outer = parseInput(object, body, 'body')
  if (!Object.hasOwn(outer, 'policies')) {
    return { isSingle: true, rows: [{ at: '', row: outer }] }
  }
  const { policies } = parseInput(book, body, 'body')
  return { isSingle: false, rows: policies.map((row, i) => ({ at: `policies.${i}`, row })) }
}

/** Rows of a body with one JSON object a line; empty lines are passed over. Throws a 422 problem. */
export function rowsOfNdjson(text: string): BodyRows {
  const lines = text.split('\n').map((line, i) => ({ at: `line ${i + 1}`, line: line.trim() }))
  const rows = lines
    .filter(({ line }) => line !== '')
    .map(({ at, line }) => ({ at, row: parseLine(at, line) }))
  return { isSingle: false, rows: withinLimit(rows) }
}

function parseLine(at: string, line: string): RawPolicyRow {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw invalidRequest([{ path: at, message: 'not valid JSON' }])
  }
  const parsed = object.safeParse(value)
  if (!parsed.success) throw invalidRequest([{ path: at, message: 'not a JSON object' }])
  return parsed.data
}

/** Rows of a CSV body whose first line names the columns. Throws a 422 problem. */
export function rowsOfCsv(text: string): BodyRows {
  let records: readonly { record: RawPolicyRow; info: { lines: number } }[]
  try {
    records = parse(text, {
      bom: true,
      columns: (names: string[]) => names.map((name) => name.trim().toLowerCase()),
      info: true,
      skip_empty_lines: true,
      to: ROWS_LIMIT + 1,
    }) as unknown as typeof records // with `info` each record comes with its place
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    throw invalidRequest([{ path: 'body', message: `not valid CSV: ${error.message}` }])
  }
  const first = records[0]?.record ?? {}
  const missing = REQUIRED_POLICY_COLUMNS.filter((column) => !Object.hasOwn(first, column))
  if (records.length > 0 && missing.length > 0) {
    throw invalidRequest(missing.map((path) => ({ path, message: 'this column is missing' })))
  }
  const rows = records.map(({ record, info }) => ({ at: `line ${info.lines}`, row: record }))
  return { isSingle: false, rows: withinLimit(rows) }
}

function withinLimit(rows: readonly BodyRow[]): readonly BodyRow[] {
  if (rows.length === 0) throw invalidRequest([{ path: 'body', message: 'has no policies' }])
  if (rows.length <= ROWS_LIMIT) return rows
  throw invalidRequest([{ path: 'body', message: `at most ${ROWS_LIMIT} policies in one request` }])
}
