/** Asks payout runs what they hold, so that nobody waits for money that waits for a person. */
import type { Client } from '@temporalio/client'
import { z } from 'zod'

import { findJob } from '../../jobs/registry.ts'
import { workflowIdOf } from '../../jobs/run-identity.ts'

/** A worker that does not answer within this time has other work, or is not there. */
const ANSWER_MS = 2_000

/** The part of the run's `progress` that matters here. */
const progressSchema = z.object({ state: z.string(), held: z.int(), rounds: z.int() })

/** What a batch's run says of itself. */
export type BatchProgress = {
  readonly batchId: string
  /** Payouts that the kill switch, a limit or an empty rail keeps from being sent. */
  readonly held: number
  /** How often it has looked what it may send. */
  readonly rounds: number
}

/**
 * Asks the batches' runs. One that is not there yet or does not answer is left out: nothing is known to
 * be held then.
 */
export function createRunAsker(deps: {
  readonly client: Client
}): (batchIds: readonly string[]) => Promise<BatchProgress[]> {
  const { client } = deps
  const job = findJob('payout')
  if (job === undefined) throw new Error('payout is not in the registry')
  return async (batchIds) => {
    const answers = await client.withDeadline(Date.now() + ANSWER_MS, () =>
      Promise.allSettled(
        batchIds.map(async (batchId) => {
          const handle = client.workflow.getHandle(workflowIdOf(job, { batchId }))
          return { batchId, ...progressSchema.parse(await handle.query('progress')) }
        }),
      ),
    )
    return answers.flatMap((answer) => {
      if (answer.status === 'rejected') return []
      const { batchId, state, held, rounds } = answer.value
      return [{ batchId, held: state === 'held' ? held : 0, rounds }]
    })
  }
}
