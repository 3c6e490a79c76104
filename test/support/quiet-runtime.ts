/** Silences the SDK's native logger: failing workflow tasks are the subject of tests, not news. */
import { DefaultLogger, Runtime } from '@temporalio/worker'

Runtime.install({
  workerHeartbeatInterval: '1 second',
  logger: new DefaultLogger('ERROR'),
  shutdownSignals: [],
  telemetryOptions: { logging: { forward: {}, filter: 'ERROR' } },
})
