/** Releases payouts for sending, unless a rule holds them. */
import { randomUUID } from 'node:crypto'

import type { Clock } from '../domain/ports/clock.ts'
import type { PayoutSelection, PayoutStore } from '../domain/ports/payout-store.ts'

/** Who approved when no person did. */
const APPROVED_BY_RULE = 'rule:auto'

/** Ids that a message names; the rest is counted. */
const NAMED_IDS_LIMIT = 3

/** The first of two people tried to be the second as well; nothing was changed. Never retried. */
export class SecondApproverError extends Error {
  override readonly name = 'SecondApproverError'
  readonly code = 'SECOND_APPROVER_NEEDED'

  constructor(by: string, payoutIds: readonly string[]) {
    const named = payoutIds.slice(0, NAMED_IDS_LIMIT).join(', ')
    const rest = payoutIds.length - NAMED_IDS_LIMIT
    super(
      `${by} already gave the first approval of ${named}${rest > 0 ? ` and ${rest} more` : ''}; ` +
        'above the approval limit another person must give the second',
    )
  }
}

/** Whose approval; without `approvedBy` that of the rules. */
type Approver = {
  readonly approvedBy?: string
  /** Why a person approves; kept in the audit trail. */
  readonly reason?: string
  /** The same for each repeat of one request; a repeat is then not taken for another approval. */
  readonly requestId?: string
  /** Asked for outside of a run: what the rail refused goes with the next batch, see PayoutApproval. */
  readonly leavesBatch?: boolean
}

/**
 * Approves the CREATED payouts of the selection and returns how many and which are held: by the kill
 * switch (setting `payouts.paused`; it holds what was approved before as well), by the limit for rules
 * (`payouts.approvalLimitMinor`, in minor units; none when unset), or by what rules may approve in a
 * business day (`payouts.dailyCeilingMinor`). With `approvedBy` a person approves: the ceiling does not
 * hold, the kill switch does, above the limit it takes a second person (`awaitingSecond` counts them),
 * and FAILED and RETURNED payouts get another attempt, their reviews resolved. Repeatable with the same
 * `requestId`. Throws SecondApproverError when all that is left waits for somebody else.
 */
export async function approvePayouts(
  deps: { readonly payoutStore: PayoutStore; readonly clock: Clock },
  input: PayoutSelection & Approver,
): Promise<{ approved: number; heldPayoutIds: string[]; awaitingSecond?: number }> {
  const { approvedBy, reason, requestId, leavesBatch } = input
  const outcome = await deps.payoutStore.approve(input, {
    by: approvedBy ?? APPROVED_BY_RULE,
    isByPerson: approvedBy !== undefined,
    at: await deps.clock.now(),
    reason: reason ?? null,
    requestId: requestId ?? randomUUID(),
    ...(leavesBatch === undefined ? {} : { leavesBatch }),
  })
  const { approved, heldPayoutIds, awaitingSecondIds, samePersonIds } = outcome
  if (samePersonIds.length > 0 && approved === 0 && awaitingSecondIds.length === 0) {
    throw new SecondApproverError(approvedBy ?? APPROVED_BY_RULE, samePersonIds)
  }
  const awaitingSecond = awaitingSecondIds.length
  return { approved, heldPayoutIds, ...(awaitingSecond === 0 ? {} : { awaitingSecond }) }
}
