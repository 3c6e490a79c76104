/** The search attributes that runs and schedules carry, and their registration on the server. */
import type { Client } from '@temporalio/client'
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common'
import temporalProto from '@temporalio/proto'

import type { JobPriority } from '../../jobs/define-job.ts'
import type { AnyJob } from '../../jobs/registry.ts'
import { RUN_SEARCH_ATTRIBUTES, type JobTrigger } from '../../jobs/run-identity.ts'

const { IndexedValueType } = temporalProto.temporal.api.enums.v1

const TYPE_NUMBERS = { KEYWORD: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD } as const

const JobType = defineSearchAttributeKey('JobType', RUN_SEARCH_ATTRIBUTES.JobType)
const JobTriggerKey = defineSearchAttributeKey('JobTrigger', RUN_SEARCH_ATTRIBUTES.JobTrigger)
const JobPriorityKey = defineSearchAttributeKey('JobPriority', RUN_SEARCH_ATTRIBUTES.JobPriority)

/** The attributes of a run, for starts and schedules. */
export function runSearchAttributes(
  job: AnyJob,
  trigger: JobTrigger,
  priority: JobPriority,
): SearchAttributePair[] {
  return [
    { key: JobType, value: job.type },
    { key: JobTriggerKey, value: trigger },
    { key: JobPriorityKey, value: priority },
  ]
}

/** A search attribute exists on the server with another type. Never mended by trying again. */
export class SearchAttributeTypeError extends Error {
  override readonly name = 'SearchAttributeTypeError'
}

/**
 * Makes sure that the namespace has every search attribute of ours. Doing it twice changes nothing.
 * Throws SearchAttributeTypeError when one is there with another type: the server would say nothing.
 */
export async function ensureSearchAttributes(client: Client): Promise<void> {
  const { namespace } = client.options
  const { operatorService } = client.connection
  const present = (await operatorService.listSearchAttributes({ namespace })).customAttributes ?? {}
  const missing: Record<string, number> = {}
  for (const [name, type] of Object.entries(RUN_SEARCH_ATTRIBUTES)) {
    const actual = present[name]
    if (actual === undefined) missing[name] = TYPE_NUMBERS[type]
    else if (actual !== TYPE_NUMBERS[type]) throw wrongType(name, type, namespace)
  }
  if (Object.keys(missing).length === 0) return
  await operatorService.addSearchAttributes({ namespace, searchAttributes: missing })
}

function wrongType(name: string, type: string, namespace: string): SearchAttributeTypeError {
  return new SearchAttributeTypeError(
    `search attribute ${name} of namespace ${namespace} is not of type ${type}: ` +
      `remove it with \`temporal operator search-attribute remove --name ${name}\``,
  )
}
