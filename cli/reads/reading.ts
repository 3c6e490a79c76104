/** What the reading commands share: one open book, pages, and the same data as text or as JSON. */
import { InvalidArgumentError, type Command } from 'commander'

import { assertSchemaCurrent } from '../../db/schema-state.ts'
import { createBookReads, type BookReads } from '../../db/stores/book-reads.ts'
import type { Database } from '../../db/client.ts'
import { PAGE_LIMIT, PageCursorError, type Page } from '../../domain/ports/page.ts'
import { CliError, EXIT } from '../cli-error.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { parseOtherTenant } from '../tenant-argument.ts'

const PAGE_DEFAULT = 50

/** Options that every reading command has. */
export type ReadFlags = { readonly json: boolean; readonly tenant?: string }

/** Options of lists. */
export type PageFlags = ReadFlags & { readonly limit: number; readonly cursor?: string }

/** What a command reads from; `house` is what it is besides, as the clock. */
export type OpenBook = {
  readonly reads: BookReads
  readonly db: Database
  readonly house: Database
}

/** Adds `--json`. */
export function addReadOptions(command: Command): Command {
  return command.option('--json', 'print one JSON object, as the API gives it', false)
}

/** Adds `--tenant`, to commands that read what tenants may see. */
export function addTenantOption(command: Command): Command {
  const text = "only what is this tenant's, as its callers see it"
  return command.option('--tenant <name>', text, parseOtherTenant)
}

/** Adds `--limit`, `--cursor` and `--json`. */
export function addPageOptions(command: Command): Command {
  return addReadOptions(command)
    .option('--limit <n>', `rows, 1 to ${PAGE_LIMIT}`, limitOf, PAGE_DEFAULT)
    .option('--cursor <text>', 'go on after an earlier page')
}

function limitOf(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_LIMIT) return limit
  throw new InvalidArgumentError(`a whole number from 1 to ${PAGE_LIMIT}`)
}

/**
 * Reads from the instance's book and prints: the value as JSON, or its lines. A null value is a
 * CliError that nothing has this name.
 */
export async function printRead<T>(
  context: CliContext,
  { json, tenant }: ReadFlags,
  read: {
    readonly what: string
    readonly from: (book: OpenBook) => Promise<T | null>
    readonly lines: (value: T) => readonly string[]
  },
): Promise<void> {
  await using house = await openDatabase(context)
  await assertSchemaCurrent(house.db)
  await using own = tenant === undefined ? null : await openDatabase(context, { tenant })
  const { db } = own ?? house
  const value = await read
    .from({ reads: createBookReads(db), db, house: house.db })
    .catch((error: unknown) => {
      if (!(error instanceof PageCursorError)) throw error
      throw new CliError(`--cursor: ${error.message}`, EXIT.usage, { cause: error })
    })
  if (value === null) throw new CliError(`there is no ${read.what}`)
  const text = json ? JSON.stringify(value) : read.lines(value).join('\n')
  context.stdout.write(`${text}\n`)
}

/** The lines of a page, and how to go on. */
export function pageLines<T>(
  { items, nextCursor }: Page<T>,
  lines: (items: readonly T[]) => readonly string[],
): string[] {
  return [...lines(items), ...(nextCursor === null ? [] : ['', `more: --cursor ${nextCursor}`])]
}
