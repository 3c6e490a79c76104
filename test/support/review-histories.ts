/** Cases of `review-orchestration` for `history-cases.ts`. */
import type {
  ReviewOrchestrationActivities,
  ReviewVerdict,
} from '../../activities/review-orchestration.ts'
import { fakeReviewOrchestration, over, tended } from './fake-activities.ts'
import type { HistoryCase } from './history-cases.ts'
import type { TemporalRig } from './temporal-rig.ts'

const REVIEW_CASE_ID = '5f0c6a52-2f0e-5d1c-8a37-00000000c0de'

/** A case that stays open, waiting for long, until `isOver` says so. */
function openUntil(isOver: () => boolean, state: string): ReviewOrchestrationActivities {
  return fakeReviewOrchestration({
    tendReview: async () => (isOver() ? over('PAID') : tended({ state, wallMs: 600_000 })),
  })
}

/** What the cases share with those of other jobs. */
type Shared = {
  readonly note: { readonly by: string; readonly reason: string }
  readonly inTurn: <T>(...answers: readonly T[]) => () => Promise<T>
  readonly untilState: (rig: TemporalRig, workflowId: string, state: string) => Promise<void>
}

/** The runs of `review-orchestration` whose histories are recorded. */
export function reviewCases({ note, inTurn, untilState }: Shared): HistoryCase[] {
  return [
    {
      job: 'review-orchestration',
      name: 'sweep',
      input: {},
      activities: () =>
        fakeReviewOrchestration({
          sweepReviews: async () => ({ closed: 3, started: 2, ended: 1, open: 100, waiting: 7 }),
        }),
    },
    {
      job: 'review-orchestration',
      name: 'decided-by-person',
      input: { caseId: REVIEW_CASE_ID },
      activities: () => {
        let isDecided = false
        const fakes = fakeReviewOrchestration()
        return {
          ...openUntil(() => isDecided, 'OPEN'),
          decideReview: async (verdict: ReviewVerdict) => {
            isDecided = true
            return fakes.decideReview(verdict)
          },
        }
      },
      operate: async (rig, workflowId) => {
        const verdict = { ...note, outcome: 'pay', delayMin: 130 }
        await rig.client.workflow.getHandle(workflowId).executeUpdate('decide', { args: [verdict] })
      },
    },
    {
      job: 'review-orchestration',
      name: 'decided-by-data',
      input: { caseId: REVIEW_CASE_ID },
      activities: () => fakeReviewOrchestration(),
    },
    {
      job: 'review-orchestration',
      name: 'handed-up',
      input: { caseId: REVIEW_CASE_ID },
      activities: () =>
        fakeReviewOrchestration({
          tendReview: inTurn(
            tended({ state: 'CLAIMED', assignee: 'user:ana' }),
            tended({ isReleased: true }),
            tended({ state: 'ESCALATED', isEscalated: true }),
            over('DENIED'),
          ),
        }),
    },
    {
      job: 'review-orchestration',
      name: 'woken',
      input: { caseId: REVIEW_CASE_ID },
      activities: () => {
        let looks = 0
        return openUntil(() => (looks += 1) > 1, 'ESCALATED')
      },
      operate: async (rig, workflowId) => {
        await untilState(rig, workflowId, 'ESCALATED')
        await rig.client.workflow.getHandle(workflowId).signal('look')
      },
    },
  ]
}
