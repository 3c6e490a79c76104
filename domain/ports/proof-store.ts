/** Ids of proofs of possession that were seen, for all processes together, as a port. */
import type { Instant } from '../time.ts'

/** Remembers proofs as long as they could be shown again. */
export interface ProofStore {
  /** False when this id was remembered before: the proof is a replay. */
  remember(id: string, expiresAt: Instant): Promise<boolean>
  /** Forgets at most `limit` that have expired, by wall time; how many there were. */
  removeExpired(limit: number): Promise<number>
}
