/**
 * A process's share of an allowance that all processes have together: leases calls in chunks, so that
 * many calls cost one query, and gives back what it does not use. Knows no database and no dialect.
 */
import { hash } from 'node:crypto'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

import type {
  AllowanceKey,
  AllowanceStore,
  AllowanceTerms,
  BudgetNotice,
  BudgetPeriod,
  CallAllowance,
  CallPermit,
  CallPurpose,
} from '../../domain/ports/call-allowance.ts'

/** Calls of one lease at most: what is lost of a budget when a process is killed. */
const CHUNK_LIMIT = 1_000
/** A lease that many used up sooner than this was too small: the next one is twice as large. */
const TOO_SMALL_MS = 1_000
/** How long after its turn a leased call may still be made: its place in the rate is gone then. */
const LATE_MS = 250
/** A refusal is believed this long, so that a thousand refused calls cost one query. */
const REFUSED_MS = 5_000
const MS_PER_S = 1_000

const KEY_ID_DIGITS = 16

/** The fingerprint that a key's shared account goes by: 16 hex digits of its SHA-256. */
export function keyIdOf(apiKey: string): string {
  return hash('sha256', apiKey).slice(0, KEY_ID_DIGITS)
}

/** What a leased allowance is built from. */
export type LeasedAllowanceOptions = AllowanceKey & {
  readonly store: Pick<AllowanceStore, 'lease'>
  readonly terms: AllowanceTerms
  /** Told when a budget reaches a mark, once in its period by whichever process brings it there. */
  readonly onNotice: (notice: BudgetNotice) => void
  readonly monotonicMs?: () => number
}

/**
 * Disposing gives back what was leased and not used; what cannot be given back stays counted, which is
 * rather too much than too little.
 */
export type LeasedAllowance = CallAllowance & AsyncDisposable

/** Throws RangeError when the rate is not positive. */
export function createLeasedAllowance(options: LeasedAllowanceOptions): LeasedAllowance {
  const { ratePerS } = options.terms
  if (!(ratePerS > 0)) throw new RangeError(`rate is not above 0 per second: ${ratePerS}`)
  // What is leased for one purpose is within that purpose's budget alone.
  const pools: Readonly<Record<CallPurpose, Pool>> = {
    ROUTINE: new Pool('ROUTINE', options),
    DECISION: new Pool('DECISION', options),
  }
  return {
    take: (purpose, signal) => pools[purpose].take(signal),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(Object.values(pools).map((pool) => pool.giveBack()))
    },
  }
}

const GRANTED: CallPermit = { isGranted: true }

class Pool {
  readonly #purpose: CallPurpose
  readonly #options: LeasedAllowanceOptions
  readonly #monotonicMs: () => number
  readonly #intervalMs: number
  readonly #largestChunk: number
  /** When the next leased call may be made, and how many there are. */
  #nextAtMs = 0
  #left = 0
  /** Leased, not made and too late now: given back with the next lease. */
  #unused = 0
  #waiting = 0
  #chunk = 1
  #isUsedUp = false
  #leasedAtMs = Number.NEGATIVE_INFINITY
  #leasing: Promise<void> | null = null
  #refusal: { readonly period: BudgetPeriod; readonly untilMs: number } | null = null

  constructor(purpose: CallPurpose, options: LeasedAllowanceOptions) {
    this.#purpose = purpose
    this.#options = options
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
    this.#intervalMs = MS_PER_S / options.terms.ratePerS
    this.#largestChunk = Math.min(CHUNK_LIMIT, Math.max(1, Math.floor(options.terms.ratePerS)))
  }

  async take(signal: AbortSignal | undefined): Promise<CallPermit> {
    this.#waiting += 1
    try {
      // Each lease brings a call or a refusal, so a turn ends after as many as stand before it.
      for (;;) {
        signal?.throwIfAborted()
        const refused = this.#refused()
        if (refused !== null) return refused
        const atMs = this.#nextCall()
        if (atMs !== null) return await this.#until(atMs, signal)
        this.#leasing ??= this.#lease().finally(() => {
          this.#leasing = null
        })
        await this.#leasing
      }
    } finally {
      this.#waiting -= 1
    }
  }

  async giveBack(): Promise<void> {
    const unused = this.#unused + this.#left
    this.#unused = 0
    this.#left = 0
    if (unused > 0) await this.#ask(0, unused)
  }

  #refused(): CallPermit | null {
    const refusal = this.#refusal
    if (refusal === null || refusal.untilMs < this.#monotonicMs()) return null
    const { provider } = this.#options
    return {
      isGranted: false,
      message: `not asked: the budget of ${provider} for this ${refusal.period} is spent`,
    }
  }

  /** When the next leased call may be made; null when there is none left that is not too late. */
  #nextCall(): number | null {
    const nowMs = this.#monotonicMs()
    if (this.#left === 0) return null
    // The first calls of a lease may lie in the past, as the bucket had them saved up.
    if (this.#nextAtMs + LATE_MS < nowMs && this.#leasedAtMs + LATE_MS < nowMs) {
      this.#unused += this.#left
      this.#chunk = Math.max(1, this.#chunk - this.#left)
      this.#left = 0
      return null
    }
    const atMs = this.#nextAtMs
    this.#left -= 1
    this.#isUsedUp = this.#left === 0
    this.#nextAtMs += this.#intervalMs
    return atMs
  }

  async #until(atMs: number, signal: AbortSignal | undefined): Promise<CallPermit> {
    const waitMs = atMs - this.#monotonicMs()
    if (waitMs <= 0) return GRANTED
    try {
      await sleep(Math.ceil(waitMs), undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      this.#unused += 1
      throw error
    }
    return GRANTED
  }

  async #lease(): Promise<void> {
    // All that ask in this turn of the event loop share the lease.
    await nextTurn()
    const isTooSmall =
      this.#isUsedUp && this.#waiting > 1 && this.#monotonicMs() - this.#leasedAtMs < TOO_SMALL_MS
    const wanted = Math.max(this.#waiting, isTooSmall ? this.#chunk * 2 : 1)
    this.#chunk = Math.min(wanted, this.#largestChunk)
    const unused = this.#unused
    this.#unused = 0
    await this.#ask(this.#chunk, unused)
  }

  async #ask(calls: number, givenBack: number): Promise<void> {
    const { store, provider, keyId, terms, onNotice } = this.#options
    const purpose = this.#purpose
    const lease = await store
      .lease({ provider, keyId, purpose, calls, givenBack, terms })
      .catch((error: unknown) => {
        this.#unused += givenBack
        throw error
      })
    const nowMs = this.#monotonicMs()
    this.#leasedAtMs = nowMs
    this.#left = lease.calls
    this.#isUsedUp = false
    this.#nextAtMs = nowMs + lease.firstInMs
    const isRefused = calls > 0 && lease.calls === 0
    this.#refusal = isRefused ? { period: lease.spent ?? 'day', untilMs: nowMs + REFUSED_MS } : null
    for (const notice of lease.notices) onNotice(notice)
  }
}
