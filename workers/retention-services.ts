/** Builds what the jobs of retention work with: aged rows, aged files, both clocks. */
import { dirname, join, resolve } from 'node:path'

import { createCleanupActivities } from '../activities/cleanup.ts'
import { createLogPruningActivities } from '../activities/log-pruning.ts'
import { createAgedFiles } from '../adapters/files/aged-files.ts'
import { createLogFiles } from '../adapters/files/log-files.ts'
import type { Database } from '../db/client.ts'
import { createAgedRows } from '../db/stores/aged-rows.ts'
import { createSettingStore } from '../db/stores/setting-store.ts'
import type { Clock } from '../domain/ports/clock.ts'
import { createSystemClock } from '../platform/clock/system-clock.ts'
import type { Events } from '../platform/events.ts'
import type { ActivityFamily } from './queues.ts'

/** Folders of the home whose files nobody misses after a while: what people had written there. */
const AGING_FOLDERS = ['exports', 'acceptance', 'tmp'] as const

/** What a log leaves behind when it begins a new file: `worker.log.1`, `worker.log.2.gz`. */
const ROTATED_LOG = /\.log\.\d+(\.gz)?$/

/** The activities of the jobs of retention. */
export function createRetentionActivities(deps: {
  readonly db: Database
  readonly clock: Clock
  readonly homeDir: string
  readonly reportsDir: string
  /** The log of this process; null when it has none of its own. */
  readonly log: { readonly file: string | null }
  readonly events: Pick<Events, 'logsPruned'>
}): Readonly<Record<'cleanup' | 'log-pruning', ActivityFamily>> {
  const { db, clock, homeDir, reportsDir, log, events } = deps
  const settingStore = createSettingStore(db)
  const homeLogs = resolve(homeDir, 'logs')
  const logs = log.file === null ? homeLogs : resolve(dirname(log.file))
  const folders = [...AGING_FOLDERS.map((folder) => join(homeDir, folder)), reportsDir]
  return {
    cleanup: createCleanupActivities({
      aged: {
        ...createAgedRows(db),
        files: createAgedFiles({ folders }),
        logs: createAgedFiles({
          folders: [logs],
          isAging: (name) => ROTATED_LOG.test(name),
        }),
      },
      settingStore,
      clock,
      wallClock: createSystemClock(),
    }),
    'log-pruning': createLogPruningActivities({
      logFiles: createLogFiles(logs, { isHome: logs === homeLogs }),
      settingStore,
      wallClock: createSystemClock(),
      events,
    }),
  }
}
