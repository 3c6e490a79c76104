/** Cancels a policy for its holder, with the whole premium back. */
import type { CancellationStore, CancelledPolicy } from '../domain/ports/cancellation-store.ts'
import type { Clock } from '../domain/ports/clock.ts'

/** What cancelling works over. */
export type CancelPolicyDeps = {
  readonly cancellationStore: CancellationStore
  readonly clock: Clock
}

/** Cancels now. Idempotent: a policy that is cancelled already is told as such. */
export async function cancelPolicy(
  { cancellationStore, clock }: CancelPolicyDeps,
  input: { readonly policyNumber: string; readonly by: string; readonly reason: string },
): Promise<CancelledPolicy> {
  return await cancellationStore.cancel({ ...input, at: await clock.now() })
}
