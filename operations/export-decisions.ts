/** Lists decided policies as lines of text, for files and pipes. */
import type { DecidedPolicy, PolicyStore } from '../domain/ports/policy-store.ts'

/** Where decided policies are read. */
export type ExportDecisionsDeps = { readonly policyStore: PolicyStore }

// About 1 MB of text: few round trips, flat memory.
const PAGE_ROWS = 5_000

/**
 * One line per decided policy in byte order of policy numbers, without header or line end:
 * `number,leg key,outcome,bps,amount in minor units,payout id,transfer id`. Share and amount are what the
 * policy pays in all; a policy with further payouts has all ids in order, joined by `;`, and an empty one in
 * the last field for each transfer that is not known yet. The last two are empty without a payout. Policies decided while it runs may or may not be in.
 */
export async function* exportDecisions(
  deps: ExportDecisionsDeps,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<string, void> {
  let after: string | null = null
  for (;;) {
    options.signal?.throwIfAborted()
    const page: DecidedPolicy[] = await deps.policyStore.listDecided(after, PAGE_ROWS)
    for (const policy of page) yield decisionLine(policy)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE_ROWS) return
    after = last.policyNumber
  }
}

function decisionLine(policy: DecidedPolicy): string {
  return [
    policy.policyNumber,
    policy.legKey,
    policy.outcome,
    policy.bps,
    policy.amountMinor,
    policy.payouts.map(({ payoutId }) => payoutId).join(';'),
    policy.payouts.map(({ transferId }) => transferId ?? '').join(';'),
  ].join(',')
}
