/**
 * What the payment server remembers: transfers, payouts, by id and by group, what came back, and the
 * answer stored for each idempotency key. Pure memory; the log makes it durable and rebuilds it.
 */
import { HOUR_MS } from '../../domain/time.ts'
import type { LogEntry } from './money-log.ts'
import { renderPayout, type StoredPayout } from './payout.ts'
import { createTimeline, type RailEvent, type Timeline } from './rail-events.ts'
import {
  renderReversal,
  renderTransfer,
  reversedAmount,
  type StoredReversal,
  type StoredTransfer,
} from './transfer.ts'

/** Keys are forgotten after this long, in virtual time, as the real service does. */
export const KEY_LIFETIME_MS = 24 * HOUR_MS

const TRANSFER_PREFIX = 'tr_sim'

export type StoredAnswer = {
  readonly fingerprint: string
  readonly status: number
  readonly body: string
}

type KeyEntry = {
  readonly fingerprint: string
  readonly storedAtMs: number
  readonly status: number
  /** Rendered when it is asked for: most keys never are. */
  readonly body: () => string
}

export type GroupSum = { readonly group: string; readonly count: number; readonly amount: number }

/** Totals of `GET /__log`. `doubles` are groups with more than one transfer or payout that stayed. */
export type BookSummary = {
  readonly count: number
  readonly sums: Record<string, number>
  readonly doubles: GroupSum[]
}

/** The memory of one payment server. */
export interface Book {
  readonly transfers: readonly StoredTransfer[]
  readonly payouts: readonly StoredPayout[]
  /** The next id with this prefix, such as `tr_sim`. */
  nextId(prefix?: string): string
  /** Takes an entry in, whether just decided or read back from the log. */
  record(entry: LogEntry): void
  /** The answer stored for a key, forgotten when `nowMs` is a day later. */
  storedAnswer(key: string, nowMs: number): StoredAnswer | null
  byId(id: string): StoredTransfer | null
  payoutById(id: string): StoredPayout | null
  /** Oldest first. */
  byGroup(group: string): readonly StoredTransfer[]
  /** What came back of a transfer until a time, epoch seconds. */
  reversalsOf(transfer: StoredTransfer, nowS: number): readonly StoredReversal[]
  /** What happened until a time, epoch seconds, oldest first. */
  events(nowS: number): readonly RailEvent[]
  /** Whether anything happens by itself later. */
  hasPlanned(): boolean
  /** Without a time what came back counts as moved. */
  summary(nowS?: number): BookSummary
}

/** An empty book, or one rebuilt from a log's entries. */
export function createBook(entries: readonly LogEntry[] = []): Book {
  const transfers: StoredTransfer[] = []
  const payouts: StoredPayout[] = []
  const ids = new Map<string, StoredTransfer>()
  const payoutIds = new Map<string, StoredPayout>()
  const groups = new Map<string, StoredTransfer[]>()
  const reversals = new Map<string, StoredReversal[]>()
  const timeline = createTimeline()
  const keys = createKeys()
  let lastNumber = 0

  function count(id: string): void {
    const digits = /_sim([0-9a-z]+)$/.exec(id)?.[1] ?? '0'
    lastNumber = Math.max(lastNumber, Number.parseInt(digits, 36))
  }

  function reversalsOf(transfer: StoredTransfer, nowS: number): readonly StoredReversal[] {
    const made = reversals.get(transfer.id) ?? NONE
    const { returnsAt } = transfer
    const rest = transfer.amount - reversedAmount(made)
    if (returnsAt === undefined || returnsAt > nowS || rest === 0) return made
    const id = transfer.id.replace('tr_', 'trr_')
    return [...made, { id, transferId: transfer.id, amount: rest, created: returnsAt }]
  }

  function record(entry: LogEntry): void {
    if (entry.kind === 'transfer') {
      const { transfer } = entry
      transfers.push(transfer)
      ids.set(transfer.id, transfer)
      count(transfer.id)
      tellTransfer(timeline, transfer)
      const group = groups.get(transfer.transferGroup ?? '')
      if (group !== undefined) group.push(transfer)
      else if (transfer.transferGroup !== null) groups.set(transfer.transferGroup, [transfer])
    } else if (entry.kind === 'payout') {
      payouts.push(entry.payout)
      payoutIds.set(entry.payout.id, entry.payout)
      count(entry.payout.id)
      tellPayout(timeline, entry.payout)
    } else if (entry.kind === 'reversal') {
      const { reversal } = entry
      count(reversal.id)
      const made = [...(reversals.get(reversal.transferId) ?? NONE), reversal]
      reversals.set(reversal.transferId, made)
      const { created, transferId: objectId } = reversal
      timeline.add({ type: 'transfer.reversed', objectId, account: null, created })
      if (reversedAmount(made) === ids.get(objectId)?.amount) timeline.forget(objectId)
    }
    keys.store(entry, (id) => ids.get(id) ?? null)
  }

  for (const entry of entries) record(entry)

  return {
    transfers,
    payouts,
    nextId(prefix = TRANSFER_PREFIX) {
      lastNumber += 1
      return `${prefix}${lastNumber.toString(36).padStart(12, '0')}`
    },
    record,
    storedAnswer: (key, nowMs) => keys.find(key, nowMs),
    byId: (id) => ids.get(id) ?? null,
    payoutById: (id) => payoutIds.get(id) ?? null,
    byGroup: (group) => groups.get(group) ?? [],
    reversalsOf,
    events: (nowS) => timeline.until(nowS),
    hasPlanned: () => timeline.hasPlanned(),
    summary: (nowS = 0) => summarise(transfers, (transfer) => reversalsOf(transfer, nowS)),
  }
}

const NONE: readonly StoredReversal[] = []

function tellTransfer(timeline: Timeline, { id, created, returnsAt }: StoredTransfer): void {
  const event = { objectId: id, account: null }
  timeline.add({ type: 'transfer.created', created, ...event })
  if (returnsAt === undefined) return
  timeline.plan({ type: 'transfer.reversed', created: returnsAt, ...event })
}

function tellPayout(timeline: Timeline, { id, account, created, steps }: StoredPayout): void {
  const event = { objectId: id, account }
  timeline.add({ type: 'payout.created', created, ...event })
  for (const { at, status } of steps.slice(1)) {
    const type = status === 'in_transit' || status === 'pending' ? 'updated' : status
    timeline.plan({ type: `payout.${type}`, created: at, ...event })
  }
}

/** The idempotency layer's store: the first result of a key, for a day. */
function createKeys() {
  const keys = new Map<string, KeyEntry>()

  function forget(nowMs: number): void {
    for (const [key, entry] of keys) {
      if (nowMs - entry.storedAtMs < KEY_LIFETIME_MS) break
      keys.delete(key)
    }
  }

  return {
    store(entry: LogEntry, transferOf: (id: string) => StoredTransfer | null): void {
      if (entry.idempotencyKey === null) return
      const { fingerprint, storedStatus = 200, storedBody } = entry
      const storedAtMs = createdOf(entry) * 1_000
      forget(storedAtMs)
      const body =
        storedBody === undefined ? () => renderFirst(entry, transferOf) : () => storedBody
      keys.set(entry.idempotencyKey, { fingerprint, storedAtMs, status: storedStatus, body })
    },
    find(key: string, nowMs: number): StoredAnswer | null {
      const entry = keys.get(key)
      if (entry === undefined) return null
      if (nowMs - entry.storedAtMs >= KEY_LIFETIME_MS) {
        keys.delete(key)
        return null
      }
      return { fingerprint: entry.fingerprint, status: entry.status, body: entry.body() }
    },
  }
}

function createdOf(entry: LogEntry): number {
  switch (entry.kind) {
    case 'transfer':
      return entry.transfer.created
    case 'payout':
      return entry.payout.created
    case 'reversal':
      return entry.reversal.created
    case 'refusal':
      return entry.created
  }
}

/** The object as it was when it was made: that is what a key repeats, whatever became of it since. */
function renderFirst(entry: LogEntry, transferOf: (id: string) => StoredTransfer | null): string {
  switch (entry.kind) {
    case 'transfer':
      return renderTransfer(entry.transfer)
    case 'payout':
      return renderPayout(entry.payout, entry.payout.created)
    case 'reversal': {
      const transfer = transferOf(entry.reversal.transferId)
      return transfer === null ? '{}' : renderReversal(transfer, entry.reversal)
    }
    case 'refusal':
      return entry.storedBody
  }
}

function summarise(
  transfers: readonly StoredTransfer[],
  reversalsOf: (transfer: StoredTransfer) => readonly StoredReversal[],
): BookSummary {
  const sums: Record<string, number> = {}
  const groups = new Map<string, { count: number; amount: number }>()
  for (const transfer of transfers) {
    const { currency, transferGroup } = transfer
    const amount = transfer.amount - reversedAmount(reversalsOf(transfer))
    sums[currency] = (sums[currency] ?? 0) + amount
    if (transferGroup === null || amount === 0) continue
    const group = groups.get(transferGroup) ?? { count: 0, amount: 0 }
    groups.set(transferGroup, { count: group.count + 1, amount: group.amount + amount })
  }
  const doubles = [...groups].flatMap(([group, sum]) => (sum.count > 1 ? [{ group, ...sum }] : []))
  return { count: transfers.length, sums, doubles }
}
