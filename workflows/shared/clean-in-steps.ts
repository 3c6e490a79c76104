/** How what has had its time goes in a short run: some batches a step, as far as its ten minutes allow. */
import { MINUTE_MS } from '../../domain/time.ts'

/** Four hundred thousand things at the default batch; what is over is left to the next run. */
const STEPS_AT_MOST = 20

/** No further step is begun after this: the last one has two minutes, and the run ten. */
const LAST_STEP_AFTER_MS = 6 * MINUTE_MS

/** What the steps did together. */
type StepAccount = { readonly items: number; readonly bytes: number; readonly isComplete: boolean }

/** Takes one step after the other. Rejects as `step` does. */
export async function cleanInSteps(
  startedMs: number,
  step: () => Promise<StepAccount>,
): Promise<StepAccount> {
  let account: StepAccount = { items: 0, bytes: 0, isComplete: false }
  for (let i = 0; i < STEPS_AT_MOST && !account.isComplete; i += 1) {
    if (Date.now() - startedMs > LAST_STEP_AFTER_MS) break
    const { items, bytes, isComplete } = await step()
    account = { items: account.items + items, bytes: account.bytes + bytes, isComplete }
  }
  return account
}
