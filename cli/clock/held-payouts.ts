/** Asks payout runs what they hold, so that nobody waits for money that waits for a person. */
import type { Client } from '@temporalio/client'
import { z } from 'zod'

import { findJob } from '../../jobs/registry.ts'
import { workflowIdOf } from '../../jobs/run-identity.ts'

/** A worker that does not answer within this time has other work, or is not there. */
const ANSWER_MS = 2_000

/** The part of the run's `progress` that matters here. */
const progressSchema = z.object({ state: z.string(), held: z.int() })

/**
 * Counts the payouts that the batches' runs hold at present. A run that is not there yet or does not
 * answer counts none: nothing is known to be held then.
 */
export function createHeldCounter(deps: {
  readonly client: Client
}): (batchIds: readonly string[]) => Promise<number> {
  const { client } = deps
  const job = findJob('payout')
  if (job === undefined) throw new Error('payout is not in the registry')
  return async (batchIds) => {
    const answers = await client.withDeadline(Date.now() + ANSWER_MS, () =>
      Promise.allSettled(
        batchIds.map(async (batchId) => {
          const handle = client.workflow.getHandle(workflowIdOf(job, { batchId }))
          return progressSchema.parse(await handle.query('progress'))
        }),
      ),
    )
    return answers.reduce((held, answer) => {
      const isHolding = answer.status === 'fulfilled' && answer.value.state === 'held'
      return held + (isHolding ? answer.value.held : 0)
    }, 0)
  }
}
