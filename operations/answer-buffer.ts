/**
 * Collects a rail's answers and records them in groups: when enough have come, or a moment after the
 * first. One group is written at a time; answers that come meanwhile make the next one.
 */
import type { Clock } from '../domain/ports/clock.ts'
import type { PayoutStore } from '../domain/ports/payout-store.ts'
import type { SortedAnswer } from './payout-answers.ts'

/** An answer waits at most this long for company: what is not recorded is asked again after a crash. */
const FLUSH_AFTER_MS = 250

type BufferDeps = { readonly payoutStore: PayoutStore; readonly clock: Clock }

type BufferOptions = {
  readonly flushSize: number
  /** Answers expected, for progress. */
  readonly total: number
  readonly onProgress: ((done: number, total: number) => void) | undefined
}

/** Add answers as they come, then `close`. A failure to record shows in `hasFailed` and at `close`. */
export class AnswerBuffer {
  readonly #deps: BufferDeps
  readonly #options: BufferOptions
  #answers: SortedAnswer[] = []
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #queuedWrites = 0
  #failure: { readonly error: unknown } | null = null
  #done = 0

  constructor(deps: BufferDeps, options: BufferOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** True once a group could not be recorded: nothing more should be sent. */
  get hasFailed(): boolean {
    return this.#failure !== null
  }

  /** Takes an answer. Never waits: the number of attempts bounds what is held. */
  add(answer: SortedAnswer): void {
    this.#answers.push(answer)
    if (this.#answers.length >= this.#options.flushSize) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER_MS)
  }

  /** Records what is left and ends. Throws the first failure to record. */
  async close(): Promise<void> {
    this.#flush()
    await this.#writing
    if (this.#failure !== null) throw this.#failure.error
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // A write that waits for its turn takes along what has come until then.
    if (this.#queuedWrites > 1) return
    this.#queuedWrites += 1
    this.#writing = this.#writing
      .then(() => this.#write())
      .catch((error: unknown) => {
        this.#failure ??= { error }
      })
      .finally(() => {
        this.#queuedWrites -= 1
      })
  }

  async #write(): Promise<void> {
    if (this.#answers.length === 0 || this.#failure !== null) return
    const group = this.#answers
    this.#answers = []
    const { payoutStore, clock } = this.#deps
    const at = await clock.now()
    await payoutStore.recordAccepted(answersOf(group, 'accepted'), at)
    await payoutStore.recordInTransit(answersOf(group, 'in-transit'), at)
    await payoutStore.recordRejected(answersOf(group, 'rejected'), at)
    await payoutStore.recordPostponed(answersOf(group, 'postponed'), at)
    await payoutStore.recordMismatched(answersOf(group, 'mismatched'), at)
    await payoutStore.recordUnknown(answersOf(group, 'unknown'), at)
    this.#done += group.length
    this.#options.onProgress?.(this.#done, this.#options.total)
  }
}

type Kind = SortedAnswer['kind']
type AnswerOf<K extends Kind> = Extract<SortedAnswer, { kind: K }>['answer']

function answersOf<K extends Kind>(group: readonly SortedAnswer[], kind: K): AnswerOf<K>[] {
  return group.filter((one) => one.kind === kind).map((one) => one.answer as AnswerOf<K>) // same kind
}
