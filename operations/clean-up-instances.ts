/** Forgets what processes and keys that are gone left behind, and says what is still open. */
import {
  INSTANCE_KINDS,
  type InstanceCounts,
  type ProviderConnections,
  type ProviderInstances,
} from '../domain/ports/provider-instances.ts'

/** Some milliseconds of locks; a process leaves one row per provider behind. */
const BATCH_SIZE = 500
/** A day of a crash loop in one run; what is over is left to the next. */
const MAX_BATCHES = 20

/** What went, and what is there. */
export type CleanedInstances = {
  readonly removed: InstanceCounts
  /** False: more is left. */
  readonly isComplete: boolean
  readonly open: readonly ProviderConnections[]
}

/** Safe to repeat and to interrupt anywhere. */
export async function cleanUpInstances(
  { instances }: { readonly instances: ProviderInstances },
  options: {
    readonly signal?: AbortSignal
    readonly onProgress?: (batches: number) => void
    /** Of each kind at once. Default 500. */
    readonly batchSize?: number
  } = {},
): Promise<CleanedInstances> {
  const { batchSize = BATCH_SIZE } = options
  let removed = noneOfAny()
  let isComplete = false
  for (let batch = 1; batch <= MAX_BATCHES && !isComplete; batch += 1) {
    options.signal?.throwIfAborted()
    const gone = await instances.removeStale(batchSize)
    removed = byKind((kind) => removed[kind] + gone[kind])
    isComplete = INSTANCE_KINDS.every((kind) => gone[kind] < batchSize)
    options.onProgress?.(batch)
  }
  return { removed, isComplete, open: await instances.listOpen() }
}

function noneOfAny(): InstanceCounts {
  return byKind(() => 0)
}

function byKind(countOf: (kind: keyof InstanceCounts) => number): InstanceCounts {
  return {
    'provider-processes': countOf('provider-processes'),
    'key-holders': countOf('key-holders'),
    allowances: countOf('allowances'),
    plans: countOf('plans'),
    'provider-states': countOf('provider-states'),
  }
}
