/** What an open run says of itself in lists. */
import { defineSearchAttributeKey } from '@temporalio/common'
import { upsertSearchAttributes } from '@temporalio/workflow'

const JobState = defineSearchAttributeKey('JobState', 'KEYWORD')

/** Shows a state in lists: `waiting`, `held`, `retrying`, `parked`; `running` when it goes on. */
export function showState(state: string): void {
  upsertSearchAttributes([{ key: JobState, value: state }])
}
