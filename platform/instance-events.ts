/** The event of what providers' processes and keys left behind. Part of `events.ts`. */
import { INSTANCE_KINDS, type InstanceCounts } from '../domain/ports/provider-instances.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

type Deps = { readonly logger: Logger; readonly metrics: Metrics }

/** The event. */
export type InstanceEvents = ReturnType<typeof buildEvents>

/** The event, through this logger and these metrics. */
export function instanceEvents(deps: Deps): InstanceEvents {
  return buildEvents(deps)
}

function buildEvents({ logger, metrics }: Deps) {
  return {
    /** Rows of processes and keys that are gone went; nothing is told where there were none. */
    providerInstancesRemoved(removed: InstanceCounts): void {
      const kinds = INSTANCE_KINDS.filter((kind) => removed[kind] > 0)
      for (const kind of kinds) metrics.providerInstancesRemoved.inc({ kind }, removed[kind])
      if (kinds.length > 0) logger.info(removed, 'provider-instances-removed')
    },
  }
}
