/** What a run knows of the task that a person timed, when it is a run of one. */
import { workflowInfo } from '@temporalio/workflow'

import type { Instant } from '../../domain/time.ts'
import { nominalTime } from './nominal-time.ts'

/** When the task meant the run to start, and how overdue it may be carried out; null for other runs. */
export function taskDue(): { readonly dueAt: Instant; readonly toleranceMin: number } | null {
  const { memo = {} } = workflowInfo()
  const { taskId, toleranceMin } = memo
  if (typeof taskId !== 'string' || typeof toleranceMin !== 'number') return null
  return { dueAt: nominalTime(), toleranceMin }
}
