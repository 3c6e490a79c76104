/** One verification: the database's own checks, then the replay step by step, then the cases. */
import { proxyActivities, setCurrentDetails } from '@temporalio/workflow'

import type { BookVerificationActivities } from '../activities/book-verification.ts'
import type { BookBreak } from '../domain/ports/ledger-store.ts'
import type { BookVerificationInput, BookVerificationResult } from '../jobs/book-verification.ts'
import { SHORT_STEP, STEP_RETRY } from './shared/steps.ts'

/** Four million legs. A book that is larger is replayed by several runs of another kind. */
const STEPS_AT_MOST = 2_000

/** What a history holds of breaks at most; the first ones say what is wrong. */
const BREAKS_AT_MOST = 1_000

/** A worker that was replaced meanwhile did not tell of other rules. */
type Replayed = Omit<Step, 'ofOtherRules'> & Partial<Pick<Step, 'ofOtherRules'>>
type Step = Awaited<ReturnType<BookVerificationActivities['replayEvaluations']>>

const { checkBook, replayEvaluations } = proxyActivities<BookVerificationActivities>({
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '30 seconds',
  retry: STEP_RETRY,
})

const { tellBreaks } = proxyActivities<BookVerificationActivities>(SHORT_STEP)

/** Returns how many breaks there are of each invariant. */
export async function bookVerification(
  input: BookVerificationInput,
): Promise<BookVerificationResult> {
  const { breaks: found, checked } = await checkBook()
  const breaks: BookBreak[] = found.slice(0, BREAKS_AT_MOST)
  const replayed = input.replay === false ? NOT_REPLAYED : await replayAll(breaks)
  const isCounted = breaks.length < BREAKS_AT_MOST
  const all = isCounted ? [...checked, ...(replayed.isComplete ? replayed.checked : [])] : []
  const told = await tellBreaks({ breaks, checked: all })
  setCurrentDetails(
    `**${breaks.length} breaks**, ${replayed.evaluations} decisions replayed, ` +
      `${told.casesOpened} new cases, ${told.casesClosed} closed`,
  )
  return {
    breaks: countByInvariant(breaks),
    legsReplayed: replayed.legs,
    evaluationsReplayed: replayed.evaluations,
    evaluationsOfOtherRules: replayed.ofOtherRules,
    ...told,
    isComplete: replayed.isComplete,
  }
}

type AllReplayed = {
  readonly legs: number
  readonly evaluations: number
  readonly ofOtherRules: number
  readonly isComplete: boolean
  readonly checked: readonly string[]
}

const NOT_REPLAYED: AllReplayed = {
  legs: 0,
  evaluations: 0,
  ofOtherRules: 0,
  isComplete: true,
  checked: [],
}

/** Adds what it finds to `breaks`. */
async function replayAll(breaks: BookBreak[]): Promise<AllReplayed> {
  let legs = 0
  let evaluations = 0
  let ofOtherRules = 0
  let after: string | null = null
  let steps = 0
  do {
    const step: Replayed = await replayEvaluations({ after })
    legs += step.legs
    evaluations += step.evaluations
    ofOtherRules += step.ofOtherRules ?? 0
    breaks.push(...step.breaks.slice(0, BREAKS_AT_MOST - breaks.length))
    after = step.next
    steps += 1
    setCurrentDetails(`${evaluations} decisions replayed, ${breaks.length} breaks`)
  } while (after !== null && steps < STEPS_AT_MOST)
  return { legs, evaluations, ofOtherRules, isComplete: after === null, checked: ['I10'] }
}

function countByInvariant(breaks: readonly BookBreak[]): { invariant: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const { invariant } of breaks) counts.set(invariant, (counts.get(invariant) ?? 0) + 1)
  return [...counts]
    .map(([invariant, count]) => ({ invariant, count }))
    .toSorted((a, b) => (a.invariant < b.invariant ? -1 : 1))
}
