/** Whether the cover of a product is on sale; moved by people and by runs that they time. */
import type { Instant } from '../time.ts'

/** A switch that was moved at least once. */
export type CoverSwitch = {
  readonly product: string
  /** False: no new quotes, no bindings. Policies that are bound stay covered. */
  readonly isArmed: boolean
  readonly changedBy: string
  readonly reason: string
  /** Business time. */
  readonly changedAt: Instant
}

/** `missed`: it came too late to be carried out. */
export type SwitchOutcome = 'switched' | 'unchanged' | 'missed'

/** What is asked of a switch. */
export type CoverSwitching = {
  readonly product: string
  readonly isArmed: boolean
  readonly by: string
  readonly reason: string
  readonly at: Instant
  /** Names the request: carried out once, however often it is asked. */
  readonly ref: string
  /** Too late: recorded, and not carried out. */
  readonly isMissed: boolean
}

/** The switches of cover. */
export interface CoverSwitches {
  /**
   * Moves a switch, or records that it was missed, and writes the audit event, both or neither. A ref that was carried out tells what it
   * did then. `unknown-product` when no product has this code.
   */
  switchCover(
    switching: CoverSwitching,
  ): Promise<
    | { readonly kind: 'done'; readonly outcome: SwitchOutcome }
    | { readonly kind: 'unknown-product'; readonly known: readonly string[] }
  >
  /** Switches that were ever moved, by product. */
  list(): Promise<CoverSwitch[]>
}
