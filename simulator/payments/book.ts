/**
 * What the payment server remembers: transfers, by id and by group, and the answer stored for each
 * idempotency key. Pure memory; the log makes it durable and rebuilds it.
 */
import { HOUR_MS } from '../../domain/time.ts'
import type { LogEntry } from './money-log.ts'
import { renderTransfer, type StoredTransfer } from './transfer.ts'

/** Keys are forgotten after this long, in virtual time, as the real service does. */
export const KEY_LIFETIME_MS = 24 * HOUR_MS

const ID_PREFIX = 'tr_sim'

export type StoredAnswer = {
  readonly fingerprint: string
  readonly status: number
  readonly body: string
}

type KeyEntry = {
  readonly fingerprint: string
  readonly storedAtMs: number
  readonly refusal: { readonly status: number; readonly body: string } | null
  readonly transfer: StoredTransfer | null
}

export type GroupSum = { readonly group: string; readonly count: number; readonly amount: number }

/** Totals of `GET /__log`. `doubles` are groups with more than one transfer. */
export type BookSummary = {
  readonly count: number
  readonly sums: Record<string, number>
  readonly doubles: GroupSum[]
}

/** The memory of one payment server. */
export interface Book {
  readonly transfers: readonly StoredTransfer[]
  nextId(): string
  /** Takes an entry in, whether just decided or read back from the log. */
  record(entry: LogEntry): void
  /** The answer stored for a key, forgotten when `nowMs` is a day later. */
  storedAnswer(key: string, nowMs: number): StoredAnswer | null
  byId(id: string): StoredTransfer | null
  /** Oldest first. */
  byGroup(group: string): readonly StoredTransfer[]
  summary(): BookSummary
}

/** An empty book, or one rebuilt from a log's entries. */
export function createBook(entries: readonly LogEntry[] = []): Book {
  const transfers: StoredTransfer[] = []
  const ids = new Map<string, StoredTransfer>()
  const groups = new Map<string, StoredTransfer[]>()
  const keys = new Map<string, KeyEntry>()
  let lastNumber = 0

  function forgetKeys(nowMs: number): void {
    for (const [key, entry] of keys) {
      if (nowMs - entry.storedAtMs < KEY_LIFETIME_MS) break
      keys.delete(key)
    }
  }

  function addTransfer(transfer: StoredTransfer): void {
    transfers.push(transfer)
    lastNumber = Math.max(lastNumber, Number.parseInt(transfer.id.slice(ID_PREFIX.length), 36))
    ids.set(transfer.id, transfer)
    if (transfer.transferGroup === null) return
    const group = groups.get(transfer.transferGroup)
    if (group === undefined) groups.set(transfer.transferGroup, [transfer])
    else group.push(transfer)
  }

  function record(entry: LogEntry): void {
    const transfer = entry.kind === 'transfer' ? entry.transfer : null
    if (transfer !== null) addTransfer(transfer)
    if (entry.idempotencyKey === null) return
    const { storedStatus: status, storedBody: body } = entry
    const storedAtMs = (entry.kind === 'transfer' ? entry.transfer.created : entry.created) * 1_000
    forgetKeys(storedAtMs)
    keys.set(entry.idempotencyKey, {
      fingerprint: entry.fingerprint,
      storedAtMs,
      refusal: status === undefined || body === undefined ? null : { status, body },
      transfer,
    })
  }

  for (const entry of entries) record(entry)

  return {
    transfers,
    nextId() {
      lastNumber += 1
      return `${ID_PREFIX}${lastNumber.toString(36).padStart(12, '0')}`
    },
    record,
    storedAnswer(key, nowMs) {
      const entry = keys.get(key)
      if (entry === undefined) return null
      if (nowMs - entry.storedAtMs >= KEY_LIFETIME_MS) {
        keys.delete(key)
        return null
      }
      const { fingerprint, refusal, transfer } = entry
      if (refusal !== null) return { fingerprint, ...refusal }
      return transfer === null ? null : { fingerprint, status: 200, body: renderTransfer(transfer) }
    },
    byId: (id) => ids.get(id) ?? null,
    byGroup: (group) => groups.get(group) ?? [],
    summary: () => summarise(transfers, groups),
  }
}

function summarise(
  transfers: readonly StoredTransfer[],
  groups: ReadonlyMap<string, readonly StoredTransfer[]>,
): BookSummary {
  const sums: Record<string, number> = {}
  for (const { currency, amount } of transfers) sums[currency] = (sums[currency] ?? 0) + amount
  const doubles: GroupSum[] = []
  for (const [group, members] of groups) {
    if (members.length < 2) continue
    const amount = members.reduce((sum, transfer) => sum + transfer.amount, 0)
    doubles.push({ group, count: members.length, amount })
  }
  return { count: transfers.length, sums, doubles }
}
