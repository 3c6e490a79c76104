/** Which calls to a provider a decision waits for: those go on when the budget is spent. */
import type { PollPhase } from './poll-plan.ts'
import type { CallPurpose } from './ports/call-allowance.ts'
import type { Instant } from './time.ts'

/** What a leg waits for in these phases is evidence: arrived, confirmed, cancelled, diverted. */
const DECISIVE: readonly PollPhase[] = ['ARRIVAL', 'SETTLE', 'CANCEL_REPORTED', 'DIVERTED']

/**
 * The purpose of polling a leg whose poll was planned in `pollPhase`. From the scheduled arrival on
 * every answer may decide, also for a leg that was refused an answer in an earlier phase.
 */
export function purposeOfPoll(
  leg: { readonly pollPhase: PollPhase | null; readonly scheduledIn: Instant },
  now: Instant,
): CallPurpose {
  const { pollPhase } = leg
  const isDecisive = pollPhase !== null && DECISIVE.includes(pollPhase)
  return isDecisive || now >= leg.scheduledIn ? 'DECISION' : 'ROUTINE'
}
