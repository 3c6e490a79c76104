/** Takes the cover of a product off sale, and puts it on sale again. */
import type { Clock } from '../domain/ports/clock.ts'
import type { CoverSwitches, CoverSwitching } from '../domain/ports/cover-switch.ts'
import type { Instant } from '../domain/time.ts'
import { UnknownProductError } from './control-payouts.ts'

/** What switching works over. */
export type SwitchCoverDeps = {
  readonly coverSwitches: Pick<CoverSwitches, 'switchCover'>
  readonly clock: Clock
}

/** Whether the switch was elsewhere before, and the business time. */
export type SwitchedCover = { readonly isChanged: boolean; readonly at: Instant }

/**
 * Moves the switch once per `ref`. Holds from the next quote and binding; a binding that has begun ends
 * as it began. Throws UnknownProductError.
 */
export async function switchCover(
  { coverSwitches, clock }: SwitchCoverDeps,
  input: Omit<CoverSwitching, 'at'>,
): Promise<SwitchedCover> {
  const at = await clock.now()
  const outcome = await coverSwitches.switchCover({ ...input, at })
  if (outcome.kind === 'unknown-product')
    throw new UnknownProductError(input.product, outcome.known)
  return { isChanged: outcome.isChanged, at }
}
