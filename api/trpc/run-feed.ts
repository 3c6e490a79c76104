/** Changes of kept runs as a feed, each once, and what a follower missed while it was away. */
import type { ChangeKey, ChangedRun, RunChanges } from '../../domain/ports/run-changes.ts'
import { createLiveFeed, type LiveFeed } from './live-feed.ts'

/** Changes of one transaction are seen when it ends, by its beginning: so far back is looked again. */
const OVERLAP_US = 5_000_000
const PAGE = 500
/** Changes read at once: more would be a rebuild, which is no news to anybody. */
const PAGES_LIMIT = 20

const NO_RUN = '00000000-0000-0000-0000-000000000000'

/** The key of everything that changed after a moment. */
export function keyAt(changedAtUs: string): ChangeKey {
  return { changedAtUs, runId: NO_RUN }
}

/** Names a change: the same twice is the same change. */
export function changeId({ changedAtUs, run }: ChangedRun): string {
  return `${changedAtUs}.${run.runId}`
}

const ID = /^(\d{1,16})\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** When the change of an id was, in microseconds; null for what is no id of ours. */
export function momentOf(id: string): string | null {
  return ID.exec(id)?.[1] ?? null
}

/** Everything that changed since a moment, and what came a little before it. */
export async function* changesSince(
  changes: RunChanges,
  sinceUs: string,
): AsyncGenerator<ChangedRun, void, undefined> {
  let key = keyAt(String(Math.max(0, Number(sinceUs) - OVERLAP_US)))
  for (let page = 0; page < PAGES_LIMIT; page += 1) {
    const changed = await changes.after(key, PAGE)
    yield* changed
    const last = changed.at(-1)
    if (last === undefined || changed.length < PAGE) return
    key = { changedAtUs: last.changedAtUs, runId: last.run.runId }
  }
}

/** The feed of all changes from the time of its first reader on. */
export function createRunFeed(
  changes: RunChanges,
  options: { readonly everyMs: number; readonly onError: (error: unknown) => void },
): LiveFeed<ChangedRun> {
  let sinceUs: string | null = null
  /** Changes that were told, as long as they may be read again. */
  let told = new Set<string>()
  const read = async (): Promise<ChangedRun[]> => {
    const fromUs = sinceUs ?? (await changes.nowUs())
    const fresh: ChangedRun[] = []
    const seen = new Set<string>()
    for await (const changed of changesSince(changes, fromUs)) {
      const id = changeId(changed)
      seen.add(id)
      if (!told.has(id)) fresh.push(changed)
      if (BigInt(changed.changedAtUs) > BigInt(sinceUs ?? 0)) sinceUs = changed.changedAtUs
    }
    sinceUs ??= fromUs
    told = seen
    return fresh
  }
  return createLiveFeed({ ...options, read })
}
