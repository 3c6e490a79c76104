/** Looks after open requests: starts runs that are not there, and tells operators what must be answered soon. */
import type { PrivacyRequestStore } from '../domain/ports/privacy-requests.ts'
import type { PrivacyRuns } from '../domain/ports/privacy-runs.ts'
import { DUE_SOON_MS } from '../domain/privacy-request.ts'
import { addMs, HOUR_MS, type Instant } from '../domain/time.ts'
import { notifyOperators, type NotifyOperatorsDeps } from './notify-operators.ts'

/** What tending works over. */
export type TendPrivacyDeps = NotifyOperatorsDeps & {
  readonly privacyRequests: Pick<PrivacyRequestStore, 'listOpen'>
  readonly privacyRuns: PrivacyRuns
  readonly wallNow: () => Instant
}

/** How many are open, of those due within a week, and past their time. */
export type TendedRequests = {
  readonly open: number
  readonly dueSoon: number
  readonly overdue: number
}

/** Open requests of one look, the first due first; a thousand a day would be a campaign against us. */
const OPEN_AT_MOST = 1_000

/** Told at every daily look while it lasts, not at one by hand in between. */
const TOLD_EVERY_MS = 20 * HOUR_MS

const KEY = 'privacy:due'

/** Starts what waits, tells what is late. Safe to repeat: a run that is open is joined. */
export async function tendPrivacyRequests(
  deps: TendPrivacyDeps,
  signal?: AbortSignal,
): Promise<TendedRequests> {
  const open = await deps.privacyRequests.listOpen(OPEN_AT_MOST)
  for (const { requestId } of open) {
    signal?.throwIfAborted()
    await deps.privacyRuns.start(requestId)
  }
  const now = deps.wallNow()
  const soon = addMs(now, DUE_SOON_MS)
  const overdue = open.filter(({ dueAt }) => dueAt < now).length
  const dueSoon = open.filter(({ dueAt }) => dueAt >= now && dueAt < soon).length
  const [first] = open
  await notifyOperators(
    deps,
    first === undefined || overdue + dueSoon === 0
      ? { key: KEY, severity: 'recovered', subject: 'no privacy request is due', text: RECOVERED }
      : {
          key: KEY,
          severity: overdue > 0 ? 'critical' : 'warning',
          subject: `${overdue} privacy requests are overdue, ${dueSoon} are due within a week`,
          text: `The first, ${first.requestId}, must be answered by ${first.dueAt}: groundstop privacy list.`,
          windowMs: TOLD_EVERY_MS,
        },
  )
  return { open: open.length, dueSoon, overdue }
}
const RECOVERED = 'Every request of a person has more than a week left.'
