import { expect, test } from 'vitest'

import { parseTraceParent } from '../../../domain/correlation.ts'
import { parseTraceText, runSpan, traceText } from '../../../domain/trace-ref.ts'

const RUN = '019acf3e-5b1a-7c3d-9e4f-0123456789ab'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test.each([true, false, null])('a place in a trace reads as it was written: %s', (isSampled) => {
  const ref = { traceId: TRACE, spanId: SPAN, isSampled }
  expect(parseTraceText(traceText(ref))).toEqual(ref)
})

test.each(['', null, 7, `${TRACE}-${SPAN}`, `${TRACE}-${SPAN}-02`, `${TRACE}-${SPAN}-01-x`])(
  'what is none is no place: %s',
  (text) => {
    expect(parseTraceText(text)).toBeNull()
  },
)

test('a run has the same span wherever it is worked on, in the trace of what started it', () => {
  const parent = { traceId: TRACE, spanId: SPAN, isSampled: true }
  expect(runSpan(RUN, parent)).toEqual({
    traceId: TRACE,
    spanId: '9e4f0123456789ab',
    isSampled: true,
  })
})

test('a run that nothing traced started begins a trace, of which nobody has asked yet', () => {
  expect(runSpan(RUN, null)).toEqual({
    traceId: '019acf3e5b1a7c3d9e4f0123456789ab',
    spanId: '9e4f0123456789ab',
    isSampled: null,
  })
})

test('a traceparent names a span unless an id is all zeros', () => {
  expect(parseTraceParent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN })
  expect(parseTraceParent(`00-${'0'.repeat(32)}-${SPAN}-01`)).toBeNull()
  expect(parseTraceParent(`00-${TRACE}-${'0'.repeat(16)}-01`)).toBeNull()
})
