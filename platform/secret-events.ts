/** The events of keys; part of the closed set of `events.ts`. */
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** One function for each event. */
export function secretEvents({ logger, metrics }: { logger: Logger; metrics: Metrics }): {
  /** A step of a rotation was taken. */
  secretRotated(step: { ring: string; action: string; keyId: string }): void
} {
  return {
    secretRotated(step) {
      metrics.secretRotations.inc({ ring: step.ring, action: step.action })
      logger.info(step, 'secret-rotated')
    },
  }
}
