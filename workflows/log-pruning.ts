/** The order of steps of `log-pruning`: rotate, let writers take the new files, compress, remove. */
import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow'

import type { LogPruningActivities } from '../activities/log-pruning.ts'
import type { LogPruningInput, LogPruningResult } from '../jobs/log-pruning.ts'
import { settlingWaitMs } from './shared/settling.ts'
import { LONG_STEP, SHORT_STEP } from './shared/steps.ts'

const { rotateLogs, removeLogs } = proxyActivities<LogPruningActivities>(SHORT_STEP)
const { compressLogs } = proxyActivities<LogPruningActivities>(LONG_STEP)

/** Returns what was done. */
export async function logPruning(_input: LogPruningInput): Promise<LogPruningResult> {
  const rotated = await rotateLogs()
  if (rotated.settlesInMs !== null) await sleep(settlingWaitMs(rotated.settlesInMs))
  const compressed = await compressLogs()
  const removed = await removeLogs()
  setCurrentDetails(
    `${rotated.files} rotated, ${compressed.files} compressed, ${removed.files} removed`,
  )
  return {
    rotated: rotated.files,
    compressed: compressed.files,
    bytesBefore: compressed.bytesBefore,
    bytesAfter: compressed.bytesAfter,
    removed: removed.files,
    bytesRemoved: removed.bytes,
  }
}
