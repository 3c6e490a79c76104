/** When a leg is asked about next and why then, in words. Plans nothing. */
import type { LegDetails } from './ports/leg-reads.ts'
import type { PollPhase } from './poll-plan.ts'
import { SECOND_MS, toMs, type Instant } from './time.ts'

/** The plan of one leg, for people. */
export type PollExplanation = LegDetails['polls'] & {
  readonly legKey: string
  readonly now: Instant
  readonly legPhase: string
  /** How far past `nextPollAt` it is; 0 when it is not due. Seconds. */
  readonly overdueS: number
  /** Without an answer since then, which is what the greatest gap is held against; null if never. */
  readonly silentS: number | null
  readonly text: string
  /** What the last polls brought, the newest first: one entry per change. */
  readonly lastAnswers: readonly {
    readonly provider: string
    readonly firstSeenAt: Instant
    readonly lastSeenAt: Instant
    readonly seenCount: number
    readonly flags: readonly string[]
  }[]
}

const PHASE_WORDS: Readonly<Record<PollPhase, string>> = {
  PRE_WINDOW: 'long before departure, to catch an early cancellation or a retime',
  PRE_DEPARTURE: 'before departure',
  AWAIT_OUT: 'to learn whether it left',
  EN_ROUTE: 'on its way',
  ARRIVAL: 'to learn when it arrived',
  SETTLE: 'to see the arrival confirmed',
  CANCEL_REPORTED: 'to see whether the cancellation lasts',
  DIVERTED: 'to learn what follows the diversion',
  UNKNOWN: 'to find a record of it again',
  DONE: 'nothing more is expected',
}

/** Last answers shown; the leg itself has more. */
const ANSWERS_SHOWN = 10

/** Explains the plan of a leg at `now`. Pure. */
export function explainPolls(leg: LegDetails, now: Instant): PollExplanation {
  const { nextPollAt, lastAnsweredAt } = leg.polls
  const sinceS = (at: Instant) => Math.max(0, Math.floor((toMs(now) - toMs(at)) / SECOND_MS))
  return {
    ...leg.polls,
    legKey: leg.legKey,
    now,
    legPhase: leg.phase,
    overdueS: nextPollAt === null ? 0 : sinceS(nextPollAt),
    silentS: lastAnsweredAt === null ? null : sinceS(lastAnsweredAt),
    text: textOf(leg, now),
    lastAnswers: leg.observations
      .slice(0, ANSWERS_SHOWN)
      .map(({ provider, firstSeenAt, lastSeenAt, seenCount, flags }) => ({
        provider,
        firstSeenAt,
        lastSeenAt,
        seenCount,
        flags,
      })),
  }
}

function textOf({ polls, undecidedPolicies }: LegDetails, now: Instant): string {
  const { nextPollAt, phase, reason, consecutiveFailures } = polls
  if (undecidedPolicies === 0) return 'not asked about any more: no policy waits for it'
  if (nextPollAt === null) return 'not planned: nothing more is expected of the provider'
  const words = phase !== null && isPhase(phase) ? `, ${PHASE_WORDS[phase]}` : ''
  const failures =
    consecutiveFailures === 0
      ? ''
      : `; the last ${consecutiveFailures} ${consecutiveFailures === 1 ? 'poll' : 'polls'} failed`
  const due = nextPollAt <= now ? 'due since' : 'next at'
  return `${due} ${nextPollAt}: ${reason ?? 'no reason kept'}${words}${failures}`
}

function isPhase(text: string): text is PollPhase {
  return Object.hasOwn(PHASE_WORDS, text)
}
