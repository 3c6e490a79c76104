/** How what has had its time goes: class by class, some batches a step, as far as the run's time allows. */
import { MINUTE_MS } from '../../domain/time.ts'

/** Four million things of a class at the default batch; what is over is left to the next run. */
const STEPS_PER_CLASS = 200

/** No further step is begun after this, so that the run ends within its 30 minutes. */
const LAST_STEP_AFTER_MS = 22 * MINUTE_MS

/** What one step did. Bytes are those of the things. */
type StepAccount = { readonly items: number; readonly bytes: number; readonly isComplete: boolean }

/** A class and what went of it; `isComplete` is false when time was up. */
export type ClassAccount<C extends string> = StepAccount & {
  readonly class: C
  readonly before: string
}

/** Takes one class step by step. Rejects as `step` does. */
export async function cleanClass<C extends string>(
  { class: name, before }: { readonly class: C; readonly before: string },
  startedMs: number,
  step: () => Promise<StepAccount>,
): Promise<ClassAccount<C>> {
  let account: ClassAccount<C> = { class: name, before, items: 0, bytes: 0, isComplete: false }
  for (let i = 0; i < STEPS_PER_CLASS && !account.isComplete; i += 1) {
    if (Date.now() - startedMs > LAST_STEP_AFTER_MS) break
    const { items, bytes, isComplete } = await step()
    account = {
      ...account,
      items: account.items + items,
      bytes: account.bytes + bytes,
      isComplete,
    }
  }
  return account
}

/** All classes together, as results of the cleanups tell it. */
export function totalOf<C extends string>(
  classes: readonly ClassAccount<C>[],
): Pick<StepAccount, 'items' | 'bytes'> {
  return {
    items: classes.reduce((sum, { items }) => sum + items, 0),
    bytes: classes.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

/** A line of a run's details. */
export function describeClass({
  class: name,
  items,
  bytes,
  isComplete,
}: ClassAccount<string>): string {
  return `- ${name}: ${items}, ${bytes} bytes${isComplete ? '' : ', **more to do**'}`
}
