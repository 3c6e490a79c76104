/** The workflow bundle for tests: built by the first test file that asks, kept between runs. */
import { fileURLToPath } from 'node:url'

import { workflowBundle, type BundleOptions, type WorkflowBundle } from '../../workers/bundle.ts'

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/groundstop', import.meta.url))

/** The bundle of the present sources. Test files running at once may build it twice, harmlessly. */
export function testBundle(options: BundleOptions = {}): Promise<WorkflowBundle> {
  return workflowBundle(CACHE, options)
}
