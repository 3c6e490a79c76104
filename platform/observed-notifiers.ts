/** Counts and times every message handed to a channel, around any adapter of its port. */
import { SpanKind } from '@opentelemetry/api'

import type { Notifier, SendOutcome } from '../domain/ports/notifier.ts'
import type { Events } from './events.ts'
import type { ProviderOutcome } from './metrics.ts'
import { traced } from './tracing/spans.ts'

const OUTCOMES: Readonly<Record<SendOutcome['kind'], ProviderOutcome>> = {
  sent: 'ok',
  refused: 'rejected',
  retry: 'unavailable',
}

/** The same channel; each try is told as an event, however it ends. */
export function observeNotifier(
  notifier: Notifier,
  events: Pick<Events, 'providerCalled'>,
): Notifier {
  const { channel, id, delivery } = notifier
  return {
    channel,
    id,
    async send(message, signal) {
      const startedAtMs = performance.now()
      let outcome: ProviderOutcome = 'aborted'
      try {
        const result = await traced(`send ${channel}`, { kind: SpanKind.CLIENT }, () =>
          notifier.send(message, signal),
        )
        outcome = OUTCOMES[result.kind]
        return result
      } finally {
        const durationMs = performance.now() - startedAtMs
        events.providerCalled({ provider: id, operation: 'send', outcome, durationMs })
      }
    },
    ...(delivery === undefined ? {} : { delivery }),
    [Symbol.asyncDispose]: () => notifier[Symbol.asyncDispose](),
  }
}
