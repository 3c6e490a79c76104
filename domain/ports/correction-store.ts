/** Where decided legs wait for another look, and where corrections are kept. */
import type { BasisPoints } from '../money.ts'
import type { Product } from '../product.ts'
import type { Instant } from '../time.ts'

/** Policies of one leg that rules decided alike. */
export type DecidedGroup = {
  readonly productVersionId: string
  readonly product: Product
  readonly insuredScheduledIn: Instant
  readonly evaluationId: string
  readonly bps: BasisPoints
  readonly policies: number
}

/** A leg whose look has come. */
export type DueCorrection = { readonly legId: string; readonly groups: readonly DecidedGroup[] }

/** When to look again; null: no more. */
export type NextLook = { readonly legId: string; readonly at: Instant | null }

/** A decision that later evidence contradicts. */
export type NewCorrection = {
  readonly legId: string
  readonly evaluationId: string
  readonly correctedEvaluationId: string
  readonly bps: BasisPoints
  readonly correctedBps: BasisPoints
  readonly policies: number
}

/** Decided legs and their corrections. */
export interface CorrectionStore {
  /**
   * Legs whose look has come, the longest due first. Decisions of people and those whose difference is
   * disputed already are left out of their groups.
   */
  due(now: Instant, limit: number): Promise<DueCorrection[]>
  planLooks(looks: readonly NextLook[]): Promise<void>
  /**
   * Keeps corrections; those that owe more open a case `CORRECTION_HIGHER` per leg. Idempotent; returns
   * those that are new.
   */
  save(corrections: readonly NewCorrection[], now: Instant): Promise<readonly NewCorrection[]>
}
