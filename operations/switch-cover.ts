/** Takes the cover of a product off sale, and puts it on sale again; never later than it was meant. */
import type { Clock } from '../domain/ports/clock.ts'
import type { CoverSwitches, CoverSwitching, SwitchOutcome } from '../domain/ports/cover-switch.ts'
import { MINUTE_MS, parseInstant, toMs, type Instant } from '../domain/time.ts'
import type { Events } from '../platform/events.ts'
import { UnknownProductError } from './control-payouts.ts'
import { notifyOperators, type NotifyOperatorsDeps } from './notify-operators.ts'

/** What switching works over. `wallNow`: times that people set are wall time, as those of runs are. */
export type SwitchCoverDeps = NotifyOperatorsDeps & {
  readonly coverSwitches: Pick<CoverSwitches, 'switchCover'>
  readonly clock: Clock
  readonly wallNow: () => Instant
  readonly events: Pick<Events, 'coverSwitchMissed'>
}

/** What is asked. */
export type CoverRequest = Omit<CoverSwitching, 'at' | 'isMissed'> & {
  /** When it was meant for, an ISO-8601 instant; null is now, whenever that is. */
  readonly dueAt: string | null
  /** More overdue than this it is missed. */
  readonly toleranceMin: number
}

/** What became of it, and the business time. */
export type SwitchedCover = { readonly outcome: SwitchOutcome; readonly at: Instant }

/**
 * Moves the switch once per `ref`. Holds from the next quote and binding; a binding that has begun ends
 * as it began. What is overdue beyond its tolerance is recorded, told to operators and not carried out.
 * Throws UnknownProductError.
 */
export async function switchCover(
  deps: SwitchCoverDeps,
  { dueAt, toleranceMin, ...switching }: CoverRequest,
): Promise<SwitchedCover> {
  const at = await deps.clock.now()
  const overdueMs = dueAt === null ? 0 : toMs(deps.wallNow()) - toMs(parseInstant(dueAt))
  const isMissed = overdueMs > toleranceMin * MINUTE_MS
  const done = await deps.coverSwitches.switchCover({ ...switching, at, isMissed })
  const { product, isArmed, by } = switching
  if (done.kind === 'unknown-product') throw new UnknownProductError(product, done.known)
  if (done.outcome === 'missed') {
    const wish = `${product} was not ${isArmed ? 'armed' : 'disarmed'}`
    deps.events.coverSwitchMissed({ product, isArmed, dueAt, ref: switching.ref })
    await notifyOperators(deps, {
      key: `cover:missed:${product}`,
      severity: 'critical',
      subject: `${wish} in time`,
      text: `${wish}: it was due at ${dueAt} and could not be carried out until ${toleranceMin} min later. Asked by ${by}. Do it by hand if it is still wanted.`,
    })
  }
  return { outcome: done.outcome, at }
}
