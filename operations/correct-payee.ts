/** Corrects where a payout goes, before it is sent or after it came back. */
import type { Clock } from '../domain/ports/clock.ts'
import type { PayeeStore } from '../domain/ports/payee-store.ts'
import { PayoutNotFoundError } from './resolve-payout.ts'

/** A payout that is approved, at the rail, paid or cancelled keeps its payee. Never retried. */
export class PayeeFixedError extends Error {
  override readonly name = 'PayeeFixedError'
  readonly code = 'PAYEE_FIXED'

  constructor(payoutId: string, state: string) {
    super(
      `payout ${payoutId} is ${state}: its payee can be corrected while it is CREATED, FAILED or RETURNED`,
    )
  }
}

/** The payee that is asked for is another tenant's holder; nothing was changed. Never retried. */
export class PayeeForeignError extends Error {
  override readonly name = 'PayeeForeignError'
  readonly code = 'PAYEE_FOREIGN'

  constructor(payoutId: string) {
    super(`the payee of payout ${payoutId} cannot be a holder of another tenant`)
  }
}

/**
 * Sets the payee of a payout and of its policy; the next attempt goes there, once a person approves it.
 * Repeating changes nothing. Throws PayoutNotFoundError, PayeeFixedError and PayeeForeignError.
 */
export async function correctPayee(
  deps: { readonly payeeStore: PayeeStore; readonly clock: Clock },
  input: {
    readonly payoutId: string
    readonly payeeRef: string
    readonly by: string
    readonly reason: string
  },
): Promise<{ isChanged: boolean; state: string }> {
  const outcome = await deps.payeeStore.correct({ ...input, at: await deps.clock.now() })
  switch (outcome.kind) {
    case 'no-such-payout':
      throw new PayoutNotFoundError(input.payoutId)
    case 'foreign':
      throw new PayeeForeignError(input.payoutId)
    case 'refused':
      throw new PayeeFixedError(input.payoutId, outcome.state)
    case 'done':
      return { isChanged: outcome.isChanged, state: outcome.state }
  }
}
