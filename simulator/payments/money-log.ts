/**
 * The append-only log of money moved: one JSON line per transfer, payout, reversal or stored refusal. A line is on disk
 * before its request is answered; lines that arrive during a write go together with the next one.
 */
import { open, readFile, truncate } from 'node:fs/promises'
import type { StoredPayout } from './payout.ts'
import type { StoredReversal, StoredTransfer } from './transfer.ts'

type Keyed = {
  readonly idempotencyKey: string | null
  readonly fingerprint: string
  /** The answer stored for the key when it is not the object itself: money moved, then a 500. */
  readonly storedStatus?: number
  readonly storedBody?: string
}

export type LogEntry =
  | (Keyed & { readonly kind: 'transfer'; readonly transfer: StoredTransfer })
  | (Keyed & { readonly kind: 'payout'; readonly payout: StoredPayout })
  | (Keyed & { readonly kind: 'reversal'; readonly reversal: StoredReversal })
  | (Keyed & {
      readonly kind: 'refusal'
      readonly idempotencyKey: string
      readonly storedStatus: number
      readonly storedBody: string
      /** Virtual time, epoch seconds. */
      readonly created: number
    })

/** Where entries go. `append` resolves when the entry is durable. */
export type MoneyLog = AsyncDisposable & { append(entry: LogEntry): Promise<void> }

/** Keeps nothing: for tests and for a demo without a folder. */
export function createMemoryLog(): MoneyLog {
  return { append: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() }
}

/**
 * The entries of a log file, oldest first; none when there is no file. A last line without its end
 * (a crash in the middle of a write: it was never answered) is cut off. Throws on any other bad line.
 */
export async function readMoneyLog(file: string): Promise<LogEntry[]> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
  const end = text.lastIndexOf('\n') + 1
  if (end < text.length) await truncate(file, Buffer.byteLength(text.slice(0, end)))
  // Our own lines, written by `openMoneyLog` alone.
  return text
    .slice(0, end)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogEntry)
}

/** Opens a log file for appending, creating it when it is not there. */
export async function openMoneyLog(file: string): Promise<MoneyLog> {
  const handle = await open(file, 'a')
  let waiting: { line: string; done: PromiseWithResolvers<void> }[] = []
  let flushing: Promise<void> | null = null

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      try {
        await handle.appendFile(group.map(({ line }) => line).join(''))
        await handle.datasync()
        for (const { done } of group) done.resolve()
      } catch (error) {
        for (const { done } of group) done.reject(error)
      }
    }
    flushing = null
  }

  return {
    append(entry) {
      const done = Promise.withResolvers<void>()
      waiting.push({ line: `${JSON.stringify(entry)}\n`, done })
      flushing ??= flush()
      return done.promise
    },
    async [Symbol.asyncDispose]() {
      await flushing
      await handle.close()
    },
  }
}
