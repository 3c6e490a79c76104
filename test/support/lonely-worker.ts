/** A worker in a process of its own, to be killed: `node lonely-worker.ts <address> <namespace>`. */
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'

import { testBundle } from './workflow-bundle.ts'

const [, , address = '', namespace = ''] = process.argv

Runtime.install({ workerHeartbeatInterval: '1 second', shutdownSignals: [] })
const connection = await NativeConnection.connect({ address })
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: 'reports',
  // Without activities there would be no slots for them.
  activities: { doNothing: async () => undefined },
  maxConcurrentActivityTaskExecutions: 7,
  workflowBundle: await testBundle(),
})
process.stdout.write('ready\n')
await worker.run()
