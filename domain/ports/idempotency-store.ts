/** Answers of requests by their Idempotency-Key, as a port. */
import type { Instant } from '../time.ts'

/** A request under its key. The scope keeps keys of different doors apart. */
export type KeyedRequest = {
  readonly scope: string
  /** 1 to 255 characters, chosen by the caller. */
  readonly key: string
  /** SHA-256 of what was asked, hex: the same key must always come with the same request. */
  readonly requestSha256: string
}

/** An answer as it is stored and given again. `body` is plain JSON. */
export type StoredAnswer = { readonly status: number; readonly body: unknown }

/** Who may carry a keyed request out. */
export type KeyClaim =
  /** The caller carries it out, then calls `answer`, `release` or `forget`. */
  | {
      readonly kind: 'owned'
      /** The lock: names this claim. */
      readonly lockedUntil: Instant
      /** Set when an earlier claim was never answered: since when its effect may already exist. */
      readonly firstTriedAt: Instant | null
    }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  | { readonly kind: 'in-progress' }
  /** The key was used before for something else. */
  | { readonly kind: 'other-request' }

/** Remembers answers by Idempotency-Key. */
export interface IdempotencyStore {
  /** Claims a key for `leaseMs` of wall time. An unanswered claim whose lease is over is taken over. */
  claim(request: KeyedRequest, leaseMs: number): Promise<KeyClaim>
  /** Stores the answer unless there is one; gives back the one that stands. */
  answer(request: KeyedRequest, answer: StoredAnswer): Promise<StoredAnswer>
  /** Ends this claim unanswered: a repeat of the same request takes over at once. */
  release(request: KeyedRequest, lockedUntil: Instant): Promise<void>
  /** Frees the key of a request that certainly had no effect, for any request. */
  forget(request: KeyedRequest, lockedUntil: Instant): Promise<void>
}
