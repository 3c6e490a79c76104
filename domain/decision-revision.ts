/**
 * Which state of the rules made a decision. Kept with each evaluation: a stored one is replayed only by
 * the rules that made it.
 */

/**
 * Raised with every change after which the same observations may be decided or folded otherwise: in
 * `decision.ts`, `decide-by-sources.ts`, `leg-facts.ts`, `second-source.ts` or what they use. 1: up to the
 * second source's answers that end a wait. 2: a second source that does not answer is waited for longer.
 */
export const DECISION_REVISION = 2
