/** The example pack for tests: its bundle, and the runs of its jobs whose histories are recorded. */
import { join } from 'node:path'

import { workflowBundle, type BundleOptions, type WorkflowBundle } from '../../workers/bundle.ts'
import { ROOT } from './repository.ts'
import type { TemporalRig } from './temporal-rig.ts'

/** Where the example lies. */
export const EXAMPLE: string = join(ROOT, 'docs/examples/job-pack')

const CACHE = join(ROOT, 'node_modules/.cache/groundstop')

/** The product's workflows and the example's. */
export function exampleBundle(
  failures: BundleOptions['failures'] = 'plain',
): Promise<WorkflowBundle> {
  const packs = [{ name: 'delay-lists', folder: EXAMPLE }]
  return workflowBundle(CACHE, { failures, packs })
}

const DAY = { date: '2013-03-09', top: 3 }

/** Its runs by the name of their recording, one per path; each is run to its end and returns its id. */
export const PACK_CASES: Readonly<Record<string, (rig: TemporalRig) => Promise<string>>> = {
  'delayed-airports.one-day': async (rig) => {
    const { date } = DAY
    const activities = {
      writeDelayedAirports: async () => ({ date, legs: 40, airports: 3, file: 'airports.csv' }),
    }
    const workflowId = 'delayed-airports:2013-03-09-3'
    // The registry of this process does not know it: as a workflow, then.
    const start = { taskQueue: 'reports', workflowId, args: [DAY] }
    const work = () => rig.client.workflow.execute('delayedAirports', start)
    await rig.withWorker('reports', activities, work, { workflowBundle: await exampleBundle() })
    return workflowId
  },
}
