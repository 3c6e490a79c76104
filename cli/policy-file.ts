/**
 * Reads a file of policies, CSV or one JSON object a line, row by row. Knows the file's form; what a
 * row must hold is the domain's.
 */
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'

import { CsvError, parse } from 'csv-parse'

import { OPTIONAL_POLICY_COLUMNS, REQUIRED_POLICY_COLUMNS } from '../domain/policy-row.ts'
import type { RawPolicyRow } from '../domain/policy-row.ts'
import type { PlacedRow } from '../operations/import-policies.ts'
import { CliError } from './cli-error.ts'

/** A row of policies is 200 bytes; one this long is a quote that was never closed. */
const LONGEST_ROW = 100_000

/** The columns of a file: those that it must have, and all that are read. */
export type FileColumns = {
  readonly required: readonly string[]
  readonly known: readonly string[]
}

const POLICY_COLUMNS: FileColumns = {
  required: REQUIRED_POLICY_COLUMNS,
  known: [...REQUIRED_POLICY_COLUMNS, ...OPTIONAL_POLICY_COLUMNS],
}

/** The rows of a file of policies, as `readRowFile` reads them. */
export function readPolicyFile(
  path: string,
  onIgnored: (columns: readonly string[]) => void,
): AsyncIterable<PlacedRow> {
  return readRowFile(path, POLICY_COLUMNS, onIgnored)
}

/**
 * The rows of a file, with flat memory. `.csv` needs a header line; `.jsonl` and `.ndjson` hold an
 * object a line. A row that cannot be read comes as unreadable; a file that cannot be read (missing,
 * not UTF-8, wrong columns, an open quote) throws CliError. `onIgnored` is told of unknown columns.
 */
export function readRowFile(
  path: string,
  columns: FileColumns,
  onIgnored: (columns: readonly string[]) => void,
): AsyncIterable<PlacedRow> {
  if (/\.csv$/i.test(path)) return readCsv(path, columns, onIgnored)
  if (/\.(?:jsonl|ndjson)$/i.test(path)) return readJsonLines(path)
  throw new CliError(`${path}: name the file .csv or .jsonl, so that its form is known`, 2)
}

async function* readCsv(
  path: string,
  { required, known }: FileColumns,
  onIgnored: (columns: readonly string[]) => void,
): AsyncGenerator<PlacedRow, void> {
  const parser = parse({
    info: true,
    relax_column_count: true,
    // A stray quote is its row's fault, not the file's; spaces before a quoted cell are none of it.
    relax_quotes: true,
    trim: true,
    // What a spreadsheet leaves below its last row.
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    max_record_size: LONGEST_ROW,
  })
  const text = Readable.from(readText(path))
  text.once('error', (error) => parser.destroy(error))
  let columns: readonly string[] | null = null
  try {
    // The parser's typing: with `info` each record comes with where it was read.
    const records: AsyncIterable<CsvRecord> = text.pipe(parser)
    for await (const { record, info } of records) {
      if (columns === null) {
        columns = readHeader(path, record, required)
        const ignored = columns.filter((column) => !known.includes(column))
        if (ignored.length > 0) onIgnored(ignored)
        continue
      }
      // `lines` is where the record ends; a quoted cell may hold line ends.
      const line = info.lines - record.join('').split('\n').length + 1
      yield placeRecord(line, columns, record)
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const place = typeof error['lines'] === 'number' ? `:${error['lines']}` : ''
    throw new CliError(`${path}${place}: ${error.message}`, 1, { cause: error })
  } finally {
    text.destroy()
  }
  if (columns === null)
    throw new CliError(`${path}: is empty; its first line must name the columns`)
}

type CsvRecord = { readonly record: readonly string[]; readonly info: { readonly lines: number } }

function readHeader(
  path: string,
  cells: readonly string[],
  required: readonly string[],
): readonly string[] {
  const columns = cells.map((cell) => cell.trim().toLowerCase())
  const missing = required.filter((column) => !columns.includes(column))
  const [only = '', second] = columns
  if (second === undefined && /[;\t]/.test(only)) {
    throw new CliError(`${path}: cells must be separated by commas, not by semicolons or tabs`)
  }
  if (missing.length > 0) {
    throw new CliError(`${path}: columns are missing in the first line: ${missing.join(', ')}`)
  }
  const twice = columns.filter((column, index) => columns.indexOf(column) !== index)
  if (twice.length > 0) throw new CliError(`${path}: columns are there twice: ${twice.join(', ')}`)
  return columns
}

function placeRecord(
  line: number,
  columns: readonly string[],
  record: readonly string[],
): PlacedRow {
  const row: RawPolicyRow = Object.fromEntries(
    columns.map((column, i) => [column, record[i] ?? '']),
  )
  if (record.length === columns.length) return { line, row }
  const reason = `has ${record.length} cells, the first line has ${columns.length}`
  return { line, row, unreadable: { field: 'row', reason } }
}

async function* readJsonLines(path: string): AsyncGenerator<PlacedRow, void> {
  let line = 0
  let rest = ''
  for await (const chunk of readText(path)) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      line += 1
      if (text.trim() !== '') yield placeObject(line, text)
    }
    if (rest.length > LONGEST_ROW) throw new CliError(`${path}:${line + 1}: the line is too long`)
  }
  if (rest.trim() !== '') yield placeObject(line + 1, rest)
}

function placeObject(line: number, text: string): PlacedRow {
  const reason = 'is not a JSON object'
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { line, row: { ...value } }
    }
    return { line, row: {}, unreadable: { field: 'row', reason } }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { line, row: {}, unreadable: { field: 'row', reason: `${reason}: ${error.message}` } }
  }
}

/** The file's text without a byte order mark. */
async function* readText(path: string): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of createReadStream(path)) {
      // A stream without an encoding gives bytes.
      yield decoder.decode(chunk as Uint8Array, { stream: true })
    }
    yield decoder.decode()
  } catch (error) {
    if (error instanceof TypeError) throw new CliError(`${path}: is not UTF-8 text`)
    if (error instanceof Error && 'code' in error) {
      throw new CliError(`${path}: cannot be read: ${error.message}`, 1, { cause: error })
    }
    throw error
  }
}
