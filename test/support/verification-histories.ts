/** Cases of `book-verification` for `history-cases.ts`. */
import { fakeBookVerification } from './fake-activities.ts'
import type { HistoryCase } from './history-cases.ts'

type Shared = { readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T> }

/** A break, as checks and replays give them. */
export const BREAK = { invariant: 'I1', subject: 'policy:p-1', detail: 'is PAID with outcome none' }

/** Where a replay goes on. */
export const NEXT_LEG = '5f0c6a52-2f0e-5d1c-8a37-6f1f3f0e9c01'

/** The runs of `book-verification` whose histories are recorded. */
export function verificationCases({ inTurn }: Shared): HistoryCase[] {
  return [
    {
      job: 'book-verification',
      name: 'sound',
      input: {},
      activities: () => fakeBookVerification(),
    },
    {
      job: 'book-verification',
      name: 'breaks-over-two-steps',
      input: {},
      activities: () =>
        fakeBookVerification({
          checkBook: async () => ({ breaks: [BREAK], checked: ['I1'] }),
          replayEvaluations: inTurn(
            { legs: 2_000, evaluations: 4_000, ofOtherRules: 0, breaks: [BREAK], next: NEXT_LEG },
            { legs: 7, evaluations: 9, ofOtherRules: 0, breaks: [], next: null },
          ),
        }),
    },
    {
      job: 'book-verification',
      name: 'without-replay',
      input: { replay: false },
      activities: () => fakeBookVerification(),
    },
  ]
}
