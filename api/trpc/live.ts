/**
 * Live subscriptions, over SSE: who may follow, how many at once, for how long a permission holds, and how
 * a follower that was away goes on.
 */
import { createHash } from 'node:crypto'

import { tracked, type TrackedEnvelope } from '@trpc/server'

import type { RunChanges } from '../../domain/ports/run-changes.ts'
import type { ListedRun } from '../../domain/ports/run-store.ts'
import { SECOND_MS } from '../../domain/time.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Doorkeeper } from '../auth.ts'
import { forbiddenProblem, houseProblem, type Caller } from '../caller.ts'
import {
  invalidRequest,
  problemDocument,
  ProblemError,
  toProblem,
  unavailable,
} from '../problem.ts'
import type { SchedulerStatus } from '../rest/scheduler-status.ts'
import { requestLogger } from '../request-context.ts'
import type { Permission } from '../roles.ts'
import { refusal } from './errors.ts'
import { createLiveFeed, FollowerBehindError } from './live-feed.ts'
import type { ProcedureContext } from './procedure-base.ts'
import { changeId, changesSince, createRunFeed, momentOf } from './run-feed.ts'

/** How often what is followed is read, and how often it is asked who follows. Milliseconds. */
export type LivePace = { readonly pollMs: number; readonly recheckMs: number }

/** What subscriptions need. */
export type LiveDeps = {
  /** Who follows, asked again. */
  readonly recheck: Doorkeeper
  readonly logger: Logger
  readonly runChanges: RunChanges
  readonly readStatus: () => Promise<SchedulerStatus>
  /** The process stops: everybody is sent away, to go on at another one. */
  readonly stopping: AbortSignal
  /** `LIVE_PACE` when left out. */
  readonly livePace?: LivePace | undefined
}

/** As fast as a person sees, and as slow as nobody minds who has lost a role. */
export const LIVE_PACE: LivePace = { pollMs: SECOND_MS, recheckMs: 10 * SECOND_MS }

/** Windows that one person has open, with some to spare; each holds a connection. */
const FOLLOWED_BY_ONE = 10
const FOLLOWED_BY_ALL = 200

/** A subscription as clients ask for it. */
export type LiveInput = { readonly lastEventId?: string | null | undefined } | undefined

/** What can be followed. */
export type Live = {
  /** Runs whenever they change; a change may come twice after a client was away. */
  runChanges(call: LiveCall): Promise<AsyncGenerator<TrackedEnvelope<ListedRun>, void, undefined>>
  /** The scheduler's status, now and whenever it changes. */
  schedulerStatus(call: LiveCall): AsyncGenerator<TrackedEnvelope<SchedulerStatus>, void, undefined>
}

/** What each subscription needs, when it begins and for as long as it lasts. */
export const FOLLOWING = {
  runChanges: 'operations.read',
  schedulerStatus: 'operations.read',
} as const satisfies Record<keyof Live, Permission>

/** One subscription that is asked for. */
export type LiveCall = {
  readonly context: ProcedureContext
  readonly input: LiveInput
  readonly signal: AbortSignal | undefined
}

/** What can be followed in this process. */
export function createLive(deps: LiveDeps): Live {
  const { runChanges, readStatus, livePace = LIVE_PACE, logger } = deps
  const onError = (error: unknown) => logger.warn({ error }, 'live-feed-not-read')
  const every = { everyMs: livePace.pollMs, onError }
  const runFeed = createRunFeed(runChanges, every)
  const statusFeed = createLiveFeed({
    everyMs: 2 * livePace.pollMs,
    onError,
    read: async () => [await readStatus()],
  })
  const guarded = createGuard(deps)
  return {
    async runChanges(call) {
      // Before anything is answered: a client that is connected misses nothing from then on.
      const start = await startOf(runChanges, call)
      return guarded(FOLLOWING.runChanges, call, async function* (signal) {
        const items = runFeed.follow(signal)
        const told = new Set<string>()
        for await (const changed of changesSince(runChanges, start.sinceUs)) {
          told.add(changeId(changed))
          const isNew = BigInt(changed.changedAtUs) > BigInt(start.sinceUs)
          if (isNew || start.isReturn) yield tracked(changeId(changed), changed.run)
        }
        for await (const changed of items) {
          if (!told.delete(changeId(changed))) yield tracked(changeId(changed), changed.run)
        }
      })
    },
    schedulerStatus: (call) =>
      guarded(FOLLOWING.schedulerStatus, call, async function* (signal) {
        let last = call.input?.lastEventId ?? null
        for await (const status of statusFeed.follow(signal)) {
          const id = createHash('sha256').update(JSON.stringify(status)).digest('base64url')
          if (id !== last) yield tracked(id, status)
          last = id
        }
      }),
  }
}

/** Now, or from where a follower goes on that was away; for long, and it must read its list anew. */
async function startOf(changes: RunChanges, { input, context }: LiveCall) {
  const last = input?.lastEventId ?? null
  const sinceUs = last === null ? await changes.nowUs() : momentOf(last)
  if (sinceUs !== null) return { sinceUs, isReturn: last !== null }
  const wrong = invalidRequest([{ path: 'lastEventId', message: 'no id of a change' }], 'query')
  throw told(wrong, context)
}

type Items<T> = (signal: AbortSignal) => AsyncGenerator<T, void, undefined>

/** Counts who follows, sends away who may no longer, and says why in the words of the API. */
function createGuard({ recheck, stopping, livePace = LIVE_PACE }: LiveDeps) {
  const followed = new Map<string, number>()
  return async function* guarded<T>(
    permission: Permission,
    { context, signal }: LiveCall,
    items: Items<T>,
  ): AsyncGenerator<T, void, undefined> {
    const { caller, request } = context
    const sentAway = new AbortController()
    const rechecks = setInterval(() => {
      recheck(request).then(
        (now) => {
          const forbidden = forbiddenProblem(now, permission) ?? houseProblem(now)
          if (forbidden !== null) sentAway.abort(forbidden)
        },
        (error: unknown) => sentAway.abort(error),
      )
    }, livePace.recheckMs)
    const leave = enter(followed, caller)
    try {
      if (leave === null) throw tooMany()
      const ends = [sentAway.signal, stopping, ...(signal === undefined ? [] : [signal])]
      yield* items(AbortSignal.any(ends))
      if (sentAway.signal.aborted) throw sentAway.signal.reason as Error // one of the two above
      // A client that is told so connects again.
      if (stopping.aborted) throw unavailable('this process', stopping.reason)
    } catch (error) {
      const isBehind = error instanceof FollowerBehindError
      throw told(isBehind ? unavailable('this subscription', error) : error, context)
    } finally {
      clearInterval(rechecks)
      leave?.()
    }
  }
}

/** Counts one more; how it is counted out again, or null when there are too many. */
function enter(followed: Map<string, number>, { tenant, name }: Caller): (() => void) | null {
  const key = `${tenant}|${name}`
  const own = followed.get(key) ?? 0
  const all = [...followed.values()].reduce((sum, count) => sum + count, 0)
  if (own >= FOLLOWED_BY_ONE || all >= FOLLOWED_BY_ALL) return null
  followed.set(key, own + 1)
  return () => {
    const left = (followed.get(key) ?? 1) - 1
    if (left === 0) followed.delete(key)
    else followed.set(key, left)
  }
}

function tooMany(): ProblemError {
  const detail = `${FOLLOWED_BY_ONE} subscriptions at once are allowed to one caller`
  return new ProblemError(429, 'too-many-requests', detail, { retryAfterS: 10 })
}

function told(error: unknown, { response }: ProcedureContext): ReturnType<typeof refusal> {
  return refusal(problemDocument(toProblem(error), requestLogger(response).correlationId))
}
