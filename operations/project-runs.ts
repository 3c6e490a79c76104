/**
 * Keeps runs of jobs as the server lists them: what moved since the last pass, with an overlap, and
 * now and then everything that is open. Passes may be repeated, overlap and stop half-way.
 */
import type { RunKey, RunListing, RunQuery, RunSource } from '../domain/ports/run-source.ts'
import type { DeadLetterStore, SweptLetters } from '../domain/ports/dead-letter-store.ts'
import { RUNS_HISTORY_DAYS, type RunStore } from '../domain/ports/run-store.ts'
import type { SettingStore } from '../domain/ports/setting-store.ts'
import { HISTORY_DAYS_AT_MOST, HISTORY_DAYS_DEFAULT } from '../domain/settings.ts'
import type { RunEnd, RunRecord } from '../domain/run.ts'
import { addMs, DAY_MS, earlier, HOUR_MS, MINUTE_MS, type Instant } from '../domain/time.ts'
import { allJobs } from '../jobs/registry.ts'
import type { Events } from '../platform/events.ts'
import { alertFailures, alertLateness, type AlertOwnersDeps } from './alert-owners.ts'
import { endWindows, type EndWindowsDeps } from './control-jobs.ts'
import { watchSchedules, type WatchDeps, type WatchedFires } from './watch-schedules.ts'
import { watchTasks, type WatchTasksDeps } from './watch-tasks.ts'

/** What the projection works over. `wallNow`: runs live on wall time, whatever the business clock says. */
export type ProjectionDeps = {
  readonly runSource: RunSource
  readonly runStore: RunStore
  readonly deadLetters: Pick<DeadLetterStore, 'sweep'>
  readonly settingStore: Pick<SettingStore, 'read'>
  readonly wallNow: () => Instant
  readonly events: Pick<Events, 'deadLettersSwept'> & WatchTasksDeps['events']
  readonly watched: WatchDeps['watched']
  readonly watchStore: WatchDeps['watchStore']
  readonly judgedAfterMs?: WatchDeps['judgedAfterMs']
  /** Tasks that people timed, and their schedules. */
  readonly tasks: Pick<
    WatchTasksDeps,
    'taskStore' | 'taskSchedules' | 'watched' | 'operatorNoticeStore' | 'clock'
  >
  /** For maintenance windows whose time is over. */
  readonly windows: EndWindowsDeps
  /** Schedules that should be on the server. */
  readonly scheduleIds: readonly string[]
  readonly alerts: AlertOwnersDeps
}

/** How much of a pass was done. */
export type ProjectedRuns = {
  /** Kept up to here. */
  readonly until: Instant
  /** False when more had moved than one pass takes: the next goes on at `until`. */
  readonly isCurrent: boolean
  /** Runs listed, the overlap included. */
  readonly listed: number
  /** New or changed. */
  readonly changed: number
  /** Reasons read of runs that ended without success. */
  readonly endsRead: number
  readonly pruned: number
  readonly letters: SweptLetters
  /** Of a full pass that saw everything that had moved; else null. */
  readonly fires: WatchedFires | null
}

/** The server's lists lag by some 50 ms, and its clock may differ from ours: what is younger is seen again. */
const OVERLAP_MS = 2 * MINUTE_MS

/**
 * After an absence time is walked in steps, so that a pass that is broken off has kept something. The
 * first is this long; each is twice the one before while little had moved.
 */
const WINDOW_MS = HOUR_MS
const FEW_RUNS = 1_000

/** Pages of 1,000 runs in one pass: some seconds. */
const PAGES_PER_PASS = 20

/** Histories read in one pass, some 5 ms each. */
const ENDS_PER_PASS = 100

/** Open runs that are looked up one by one in one pass because no list has them. */
const VANISHED_PER_PASS = 100

/** Pages of open runs; a server with more has another problem, and the rest is seen when it closes. */
const OPEN_PAGES = 20

/** Rows deleted by one statement, some 50 ms. */
const PRUNE_ROWS = 5_000

/** One pass. `isFull`: also looks at everything that is open, and removes what is too old. */
export async function projectRuns(
  deps: ProjectionDeps,
  { isFull }: { readonly isFull: boolean },
): Promise<ProjectedRuns> {
  const now = deps.wallNow()
  const oldest = addMs(now, -(await historyDays(deps)) * DAY_MS)
  const moved = await keepMoved(deps, now, oldest)
  const open = isFull ? await keepOpen(deps, now) : { listed: 0, changed: 0 }
  const ends = await readEnds(deps, ENDS_PER_PASS)
  const letters = await sweepLetters(deps, ends.dead)
  await alertFailures(deps.alerts)
  const isCurrent = moved.until === now
  if (isFull) await endWindows(deps.windows, now)
  const fires = isFull && isCurrent ? await watch(deps, now) : null
  const pruned = isFull ? await prune(deps, oldest) : 0
  return {
    until: moved.until,
    isCurrent,
    listed: moved.listed + open.listed,
    changed: moved.changed + open.changed,
    endsRead: ends.read,
    pruned,
    letters,
    fires,
  }
}

/** Runs that are not kept yet would be missing. */
async function watch(deps: ProjectionDeps, now: Instant): Promise<WatchedFires> {
  const { events, watchStore, tasks } = deps
  const fires = await watchSchedules(deps, deps.scheduleIds, { until: now, now })
  await watchTasks({ ...tasks, events, watchStore }, { until: now, now })
  await alertLateness(deps.alerts, deps.scheduleIds, now)
  return fires
}

async function prune({ runStore, watchStore }: ProjectionDeps, oldest: Instant): Promise<number> {
  await watchStore.prune(oldest, PRUNE_ROWS)
  return runStore.prune(oldest, PRUNE_ROWS)
}

async function sweepLetters(deps: ProjectionDeps, dead: number): Promise<SweptLetters> {
  const swept = await deps.deadLetters.sweep(coveringJobs())
  const letters = { ...swept, opened: swept.opened + dead }
  deps.events.deadLettersSwept(letters)
  return letters
}

/** Jobs whose next success makes up for a failure. */
function coveringJobs(): string[] {
  return allJobs()
    .filter((job) => job.onExhausted === 'fail')
    .map((job) => job.name)
}

/** Days that ended runs are kept; a setting out of its range counts as not set. */
export async function historyDays({
  settingStore,
}: Pick<ProjectionDeps, 'settingStore'>): Promise<number> {
  const days = await settingStore.read(RUNS_HISTORY_DAYS)
  const isDays = typeof days === 'number' && Number.isInteger(days)
  return isDays && days >= 1 && days <= HISTORY_DAYS_AT_MOST ? days : HISTORY_DAYS_DEFAULT
}

async function keepMoved(deps: ProjectionDeps, now: Instant, oldest: Instant) {
  let until = (await deps.runStore.readCursor()) ?? oldest
  let [listed, changed, pages, windowMs] = [0, 0, 0, WINDOW_MS]
  while (until < now && pages < PAGES_PER_PASS) {
    const end = earlier(now, addMs(until, windowMs))
    const listedBefore = listed
    const query: RunQuery = { kind: 'moved', after: addMs(until, -OVERLAP_MS), until: end }
    // A window is listed to its end whatever its size: the server's lists cannot be cut by time later.
    for await (const runs of pagesOf(deps.runSource, query)) {
      changed += await deps.runStore.save(runs)
      listed += runs.length
      pages += 1
    }
    await deps.runStore.moveCursor(end)
    until = end
    windowMs = listed - listedBefore < FEW_RUNS ? windowMs * 2 : WINDOW_MS
  }
  return { until, listed, changed }
}

async function* pagesOf(source: RunSource, query: RunQuery): AsyncGenerator<readonly RunRecord[]> {
  let next: string | null = null
  do {
    const page: RunListing = await source.list(query, next)
    yield page.runs
    next = page.next
  } while (next !== null)
}

/** States that open runs report move without a start or an end; ends may have been missed. */
async function keepOpen(deps: ProjectionDeps, now: Instant) {
  const openRunIds: string[] = []
  let [changed, pages] = [0, 0]
  for await (const runs of pagesOf(deps.runSource, { kind: 'open' })) {
    changed += await deps.runStore.save(runs)
    openRunIds.push(...runs.map((run) => run.runId))
    pages += 1
    if (pages >= OPEN_PAGES) break
  }
  const before = addMs(now, -OVERLAP_MS)
  const missed =
    pages >= OPEN_PAGES
      ? []
      : await deps.runStore.listVanished(openRunIds, before, VANISHED_PER_PASS)
  changed += await keepMissed(deps, missed)
  return { listed: openRunIds.length, changed }
}

async function keepMissed(deps: ProjectionDeps, missed: readonly RunKey[]): Promise<number> {
  const found: RunRecord[] = []
  const gone: string[] = []
  for (const run of missed) {
    const record = await deps.runSource.find(run)
    if (record === null) gone.push(run.runId)
    else found.push(record)
  }
  // Somebody deleted them on the server, and so they are no runs any more.
  if (gone.length > 0) await deps.runStore.remove(gone)
  return gone.length + (await deps.runStore.save(found))
}

/** Reads why runs ended, at most `limit`; counts those that were read and those that died. */
async function readEnds(
  deps: Pick<ProjectionDeps, 'runSource' | 'runStore'>,
  limit: number,
): Promise<{ readonly read: number; readonly dead: number }> {
  const unread = await deps.runStore.listUnread(limit)
  const ends: (RunEnd & { runId: string })[] = []
  for (const run of unread) {
    const end = await deps.runSource.readEnd(run)
    ends.push({ runId: run.runId, ...(end ?? HISTORY_GONE) })
  }
  await deps.runStore.saveEnds(ends)
  return { read: ends.length, dead: ends.filter((end) => end.isDead).length }
}

/** Unknown for good: asked once. */
const HISTORY_GONE: RunEnd = {
  type: 'Other',
  message: 'its history is gone',
  nextRunId: null,
  version: null,
  // What went on for it cannot be told; its own age says that nobody missed it.
  isDead: false,
}

/** What a rebuild found and removed. */
export type RebuiltRuns = { readonly listed: number; readonly removed: number }

type RebuildDeps = Pick<ProjectionDeps, 'runSource' | 'runStore' | 'settingStore' | 'wallNow'>

/** The server may drop a run up to this much before its retention is over. */
const RETENTION_SLACK_MS = DAY_MS

/**
 * Makes the kept runs anew from all that the server knows. Lists stay readable meanwhile, and runs
 * that the server dropped because of its retention stay until they are too old here.
 */
export async function rebuildRuns(
  deps: RebuildDeps & { readonly serverRetentionDays: number },
  onProgress: (listed: number) => void = () => undefined,
): Promise<RebuiltRuns> {
  const rebuiltAt = deps.wallNow()
  const oldest = addMs(rebuiltAt, -(await historyDays(deps)) * DAY_MS)
  let listed = 0
  for await (const runs of pagesOf(deps.runSource, { kind: 'all' })) {
    await deps.runStore.save(
      runs.filter(({ closedAt }) => closedAt === null || closedAt >= oldest),
      rebuiltAt,
    )
    listed += runs.length
    onProgress(listed)
  }
  const kept = addMs(rebuiltAt, -deps.serverRetentionDays * DAY_MS + RETENTION_SLACK_MS)
  const removed = await deps.runStore.removeNotRebuilt(rebuiltAt, kept)
  while ((await readEnds(deps, ENDS_PER_PASS)).read === ENDS_PER_PASS);
  await deps.runStore.moveCursor(rebuiltAt)
  return { listed, removed }
}
