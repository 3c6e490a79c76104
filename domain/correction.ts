/**
 * What a source says after a leg was decided: which legs are worth another look, and whether what it
 * says now would have decided otherwise. Nothing that was paid is taken back.
 */
import { bpsOf, decide, delayOf, type Decision, type DecisionInput } from './decision.ts'
import type { BasisPoints } from './money.ts'
import { HOUR_MS, toMs, type Instant } from './time.ts'

/** So long after its decision a leg is looked at again: corrections come within hours. Milliseconds. */
export const CORRECTION_LOOK_AFTER_MS = 6 * HOUR_MS

/** Looks that failed or wait for a confirmation are given up so long after cover ended. Milliseconds. */
export const CORRECTION_LOOK_UNTIL_MS = 48 * HOUR_MS

/**
 * Arrivals are corrected by some minutes: where so many, either way, would not change what is paid, no
 * look is spent. A quarter of all legs lies within it; looking at every leg costs a call each.
 */
const CORRECTION_BAND_MIN = 30

/** What the facts of today say about a decision. */
export type CorrectionVerdict =
  | { readonly kind: 'SAME' }
  /** Another arrival, not settled yet. */
  | { readonly kind: 'WAIT'; readonly until: Instant }
  | {
      readonly kind: 'HIGHER' | 'LOWER'
      readonly decision: Extract<Decision, { outcome: 'PAY' | 'NO_PAY' }>
    }

/** Whether a correction of the decided leg could change what is paid. */
export function isWorthAnotherLook(
  input: Pick<DecisionInput, 'facts' | 'product' | 'insuredScheduledIn'>,
): boolean {
  const { facts, product, insuredScheduledIn } = input
  // Cancelled, never arrived, touched down only: a gate arrival would be news.
  if (facts.arrival === null) return true
  const delayMin = delayOf(toMs(facts.arrival.value), insuredScheduledIn)
  return (
    bpsOf(product, delayMin - CORRECTION_BAND_MIN) !==
    bpsOf(product, delayMin + CORRECTION_BAND_MIN)
  )
}

/** Holds facts of after the decision against the share that was decided. Pure. */
export function judgeCorrection(input: DecisionInput, decidedBps: BasisPoints): CorrectionVerdict {
  const decision = decide(input)
  switch (decision.outcome) {
    case 'REVIEW':
      // Not plausible: no reason to doubt what was decided on evidence that was.
      return { kind: 'SAME' }
    case 'NOT_YET':
      return { kind: 'WAIT', until: decision.decidableAt ?? input.now }
    case 'PAY':
    case 'NO_PAY': {
      const bps = decision.outcome === 'PAY' ? decision.bps : 0
      if (bps === decidedBps) return { kind: 'SAME' }
      return { kind: bps > decidedBps ? 'HIGHER' : 'LOWER', decision }
    }
  }
}
