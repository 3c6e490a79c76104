/** The namespace's own settings that the product relies on. */
import type { Client } from '@temporalio/client'

import { DAY_MS, SECOND_MS } from '../../domain/time.ts'

/** Run histories must outlive the time in which people ask about them; dev servers keep one day. */
const RETENTION_DAYS = 30

/**
 * Raises the namespace's retention to 30 days if it is shorter; a longer one is left as it is.
 * Returns the days that hold now.
 */
export async function ensureRetention(client: Client): Promise<number> {
  const { namespace } = client.options
  const { workflowService } = client.connection
  const { config } = await workflowService.describeNamespace({ namespace })
  const presentDays = Math.floor(
    (Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * SECOND_MS) / DAY_MS,
  )
  if (presentDays >= RETENTION_DAYS) return presentDays
  const seconds = (RETENTION_DAYS * DAY_MS) / SECOND_MS
  await workflowService.updateNamespace({
    namespace,
    // The generated type wants a Long; the encoder takes any number.
    config: { workflowExecutionRetentionTtl: { seconds: seconds as never } },
  })
  return RETENTION_DAYS
}
