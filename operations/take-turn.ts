/**
 * Gives runs of which one at a time may be at work their turns, in the order in which they began. The
 * server says who is open, the database who has the turn: a run that died has none any more.
 */
import type { JobTurnStore, OpenRun, OpenRuns, TurnRun } from '../domain/ports/job-turns.ts'
import { startIdsOf } from '../jobs/run-identity.ts'
import { findJob } from '../jobs/registry.ts'

/** What taking a turn works over. */
export type TakeTurnDeps = { readonly turns: JobTurnStore; readonly openRuns: OpenRuns }

/** A run that wants its turn. */
export type TurnRequest = TurnRun & { readonly job: string; readonly turnKey: string }

/** `waiting`: behind this run. */
export type TurnAnswer =
  | { readonly kind: 'taken' }
  | { readonly kind: 'waiting'; readonly behind: string }

/** Takes the turn, or says who is before. May be repeated: a turn that is had is had. */
export async function takeTurn(
  { turns, openRuns }: TakeTurnDeps,
  { job: name, turnKey, ...run }: TurnRequest,
): Promise<TurnAnswer> {
  const job = findJob(name)
  if (job === undefined) throw new TypeError(`no job is called ${name}`)
  const holder = await turns.holder(turnKey)
  if (holder !== null && isSame(holder, run)) return { kind: 'taken' }
  const ids = new Set([...startIdsOf(job, turnKey), run.workflowId])
  if (holder !== null) ids.add(holder.workflowId)
  const open = await openRuns.read([...ids])
  const before = holder === null ? undefined : open.find((one) => isSame(one, holder))
  const first = before ?? open.toSorted(byBegin)[0]
  // A run that waits for its own time is not among the ids that all know, so it is no excuse to wait.
  if (first !== undefined && !isSame(first, run))
    return { kind: 'waiting', behind: first.workflowId }
  if (await turns.take(turnKey, run, holder)) return { kind: 'taken' }
  // Somebody was faster: the next look tells who.
  return { kind: 'waiting', behind: (await turns.holder(turnKey))?.workflowId ?? turnKey }
}

function isSame(a: TurnRun, b: TurnRun): boolean {
  return a.workflowId === b.workflowId && a.firstRunId === b.firstRunId
}

function byBegin(a: OpenRun, b: OpenRun): number {
  if (a.beganAt !== b.beganAt) return a.beganAt < b.beganAt ? -1 : 1
  return a.workflowId < b.workflowId ? -1 : 1
}
