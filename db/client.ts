/**
 * Opens the product's database: one pool, one set of type parsers. Instants come out as UTC text and
 * bigints as checked numbers, so no store converts by itself. Holds no SQL of the business.
 */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

import { DEFAULT_TENANT, TENANT_NAME } from '../domain/role.ts'
import { instantFromMs } from '../domain/time.ts'
import type { Instant } from '../domain/time.ts'
import { spanOfQuery } from './query-spans.ts'
import type { DB } from './types.generated.ts'

/** The product's database with its tables typed. */
export type Database = Kysely<DB>

/** How a pool differs from the default one. */
export type DatabaseOptions = {
  /** Connections at most; 10 when left out. */
  readonly max?: number
  /** Shown in pg_stat_activity; `groundstop` when left out. */
  readonly applicationName?: string
  /** Commits do not wait for the disk: for what is begun anew after a crash. No when left out. */
  readonly isRelaxed?: boolean
  /**
   * Every connection is opened in the role that reads this tenant's rows alone, and stays in it. The house
   * when left out: it sees all.
   */
  readonly tenant?: string
}

const DEFAULT_MAX_CONNECTIONS = 10
// A connection attempt that takes longer is an unreachable server, and is said to be one.
const CONNECT_TIMEOUT_MS = 10_000
// The longest honest statement is a page of 5,000 rows; a longer one holds locks that others wait for.
const STATEMENT_TIMEOUT_MS = 120_000
// A process that died mid-transaction without closing its socket must not keep claimed rows.
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000

const SESSION_SETTINGS = [
  // The parsers below read UTC text.
  '-c TimeZone=UTC -c DateStyle=ISO',
  // Disks without moving heads; at the default of 4 a page of 500 rows is looked for in the whole table.
  '-c random_page_cost=1.1',
  // Compiling a plan costs more than any statement here, all of which are short.
  '-c jit=off',
].join(' ')

/**
 * A lazily connecting pool over `url` (`postgres://user:password@host:port/database`). Dispose of it
 * with `await using` or `destroy()`. Throws RangeError for a tenant that is none; the first query reports
 * a bad address.
 */
export function createDatabase(url: string, options: DatabaseOptions = {}): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: options.max ?? DEFAULT_MAX_CONNECTIONS,
    application_name: options.applicationName ?? 'groundstop',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    options: sessionSettings(options),
    types: { getTypeParser },
  })
  // An idle connection that breaks leaves the pool by itself and the next query opens another; without
  // a listener the event would end the process.
  pool.on('error', () => undefined)
  return new Kysely<DB>({ dialect: new PostgresDialect({ pool }), log: spanOfQuery })
}

function sessionSettings({ isRelaxed = false, tenant }: DatabaseOptions): string {
  const relaxed = isRelaxed ? ' -c synchronous_commit=off' : ''
  return `${SESSION_SETTINGS}${relaxed}${tenant === undefined ? '' : ` ${tenantSettings(tenant)}`}`
}

/** Set as the connection begins: there is no moment and no statement before. */
function tenantSettings(tenant: string): string {
  if (tenant === DEFAULT_TENANT || !TENANT_NAME.test(tenant)) {
    throw new RangeError(`no tenant whose rows could be kept apart: ${tenant}`)
  }
  return `-c role=groundstop_tenant -c groundstop.tenant=${tenant}`
}

const OID = {
  int8: 20,
  date: 1082,
  timestamptz: 1184,
  int8Array: 1016,
  dateArray: 1182,
  timestamptzArray: 1185,
} as const

type Parser = (text: string) => unknown

const PARSERS: ReadonlyMap<number, Parser> = new Map<number, Parser>([
  [OID.int8, parseInt8],
  [OID.date, (text) => text],
  [OID.timestamptz, parseTimestamptz],
  [OID.int8Array, (text) => parseArray(text).map(parseInt8)],
  [OID.dateArray, (text) => parseArray(text)],
  [OID.timestamptzArray, (text) => parseArray(text).map(parseTimestamptz)],
])

// pg's own signature is overloaded over text and binary; only text is ever asked for here.
function getTypeParser(oid: number, format?: 'text' | 'binary'): Parser {
  const parser = PARSERS.get(oid)
  if (parser !== undefined && format !== 'binary') return parser
  return format === 'binary'
    ? pg.types.getTypeParser(oid, 'binary')
    : pg.types.getTypeParser(oid, 'text')
}

// Arrays of plain numbers, dates and instants: quotes and commas inside elements do not occur.
function parseArray(text: string): string[] {
  const inner = text.slice(1, -1)
  return inner === '' ? [] : inner.split(',').map((element) => element.replaceAll('"', ''))
}

/** Reads a bigint as a number. Throws RangeError beyond 2^53 - 1 instead of losing digits. */
function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`bigint beyond 2^53 - 1: ${text}`)
  return value
}

// `2013-02-08 17:05:00.123456+00`, cut to milliseconds.
const UTC_TIMESTAMP = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d+))?\+00$/

function parseTimestamptz(text: string): Instant {
  const match = UTC_TIMESTAMP.exec(text)
  if (match === null) return instantFromMs(Date.parse(text.replace(' ', 'T').concat(':00')))
  const milliseconds = (match[3] ?? '').slice(0, 3).padEnd(3, '0')
  return `${match[1]}T${match[2]}.${milliseconds}Z` as Instant // built in the brand's form
}
