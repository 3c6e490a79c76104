/** Statements as spans: what is done to which table and how long it took, never their text or values. */
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { LogEvent } from 'kysely'

import { tracer } from '../platform/tracing/spans.ts'

const TABLE = /\b(?:from|into|update|join)\s+"?([a-z_][a-z0-9_]*)/i
const OPERATION = /[a-z]+/i

/** Told by Kysely of every statement that has ended. Those outside of traced work are none. */
export function spanOfQuery(event: LogEvent): void {
  if (trace.getActiveSpan()?.isRecording() !== true) return
  const { sql } = event.query
  const operation = (OPERATION.exec(sql)?.[0] ?? '').toUpperCase()
  const table = TABLE.exec(sql)?.[1]
  const span = tracer().startSpan([operation, table].filter(Boolean).join(' '), {
    kind: SpanKind.CLIENT,
    startTime: Date.now() - event.queryDurationMillis,
    attributes: {
      'db.system.name': 'postgresql',
      'db.operation.name': operation,
      ...(table === undefined ? {} : { 'db.collection.name': table }),
    },
  })
  if (event.level === 'error') span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
