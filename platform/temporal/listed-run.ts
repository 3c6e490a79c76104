/** What a list of runs tells of one, without its memo: a run whose key is gone is listed all the same. */
import type { Client, RawWorkflowExecutionInfo, WorkflowExecutionInfo } from '@temporalio/client'
import { executionInfoFromRaw } from '@temporalio/client/lib/helpers.js'

/** The run as the SDK gives it. Opens no payload. */
export function listedRun(
  { options: { loadedDataConverter, namespace } }: Client,
  raw: RawWorkflowExecutionInfo,
): Promise<WorkflowExecutionInfo> {
  // Not spread: what the wire left out, as a count of 0, is with the message's prototype.
  const listed = Object.create(raw, { memo: { value: null } }) as RawWorkflowExecutionInfo
  return executionInfoFromRaw(listed, loadedDataConverter, raw, namespace)
}
