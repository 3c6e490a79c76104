/** The workflow bundle for tests: built by the first test file that asks, kept between runs. */
import { fileURLToPath } from 'node:url'

import { workflowBundle, type FailureWords, type WorkflowBundle } from '../../workers/bundle.ts'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/groundstop', import.meta.url))

/** The bundle of the present sources. Test files running at once may build it twice, harmlessly. */
export function testBundle(failures: FailureWords = 'plain'): Promise<WorkflowBundle> {
  return workflowBundle(CACHE, failures)
}
