/**
 * A worker in a process of its own, to be killed: runs take their places and give them back through it, and
 * their steps wait for another: `node places-worker.ts <address> <namespace> <database>`.
 */
import { Client, Connection } from '@temporalio/client'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'

import { createDatabase } from '../../db/client.ts'
import { placeActivities } from './place-activities.ts'
import { testBundle } from './workflow-bundle.ts'

const [, , address = '', namespace = '', databaseUrl = ''] = process.argv

// A look under way when it is killed would be missed for the 10 s that the server waits for it.
const NO_LOOKS_MS = 60_000

Runtime.install({ shutdownSignals: [] })
const client = new Client({ connection: await Connection.connect({ address }), namespace })
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  namespace,
  taskQueue: 'reports',
  activities: placeActivities(createDatabase(databaseUrl, { max: 2 }), client, NO_LOOKS_MS),
  enableNonLocalActivities: false,
  stickyQueueScheduleToStartTimeout: '1 second',
  workflowBundle: await testBundle(),
})
process.stdout.write('ready\n')
await worker.run()
