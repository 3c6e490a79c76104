/** Takes a holder's appeal against the decision of a policy. */
import type { AppealStore, FiledAppeal, NewAppeal } from '../domain/ports/appeal-store.ts'
import type { Clock } from '../domain/ports/clock.ts'

/** What appealing works over. */
export type AppealPolicyDeps = {
  readonly appealStore: Pick<AppealStore, 'file'>
  readonly clock: Clock
}

/** Appeals now. The same `requestId` again is the same appeal. */
export async function appealPolicy(
  { appealStore, clock }: AppealPolicyDeps,
  input: Omit<NewAppeal, 'at'>,
): Promise<FiledAppeal> {
  return await appealStore.file({ ...input, at: await clock.now() })
}
