/** What an API process consists of. */
import type { Client } from '@temporalio/client'
import { type Config, type Secrets } from '../config/config.ts'
import type { Database } from '../db/client.ts'
import type { ClockStore } from '../db/stores/clock-store.ts'
import type { KeyRingSource } from '../domain/ports/key-rings.ts'
import type { Clock } from '../domain/ports/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { TokenGrant } from './token-file.ts'
import type { LivePace } from './trpc/live.ts'

/** What an API process is started with. */
export type ApiOptions = {
  readonly config: Config
  readonly secrets: Secrets
  /** For the standard TEMPORAL_* settings (TLS, API key) beside our own. */
  readonly env: NodeJS.ProcessEnv
  /** Default: a logger as configured. */
  readonly logger?: Logger
  /** How fast live subscriptions are; `LIVE_PACE` when left out. */
  readonly livePace?: LivePace
}

/** What the doors are built from. */
export type ApiParts = ApiOptions & {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly db: Database
  readonly client: Client
  readonly clockStore: ClockStore
  readonly clock: Clock
  readonly stack: AsyncDisposableStack
  /** Tokens of the file, beside the one of the environment. */
  readonly grants: readonly TokenGrant[]
  /** Where it listens, once it does. */
  readonly listensAt: Promise<string>
  /** What payloads are encrypted with; null: not at all. */
  readonly keys: KeyRingSource | null
  /** The process stops. */
  readonly stopping: AbortSignal
}
