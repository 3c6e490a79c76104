/** The allowance of a process on its own: a rate and no budget. Where there is no database to share. */
import type { CallAllowance } from '../../domain/ports/call-allowance.ts'
import { createTokenBucket } from './token-bucket.ts'

/** `ratePerS` calls a second, a second's worth at once. Throws RangeError when it is not positive. */
export function createLocalAllowance(ratePerS: number): CallAllowance {
  const bucket = createTokenBucket(ratePerS)
  return {
    async take(_purpose, signal) {
      await bucket.take(signal)
      return { isGranted: true }
    },
  }
}
