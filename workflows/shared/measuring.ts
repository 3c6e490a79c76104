/** Measuring step by step, as far as a run's time allows: for every job that measures periods. */
import { setCurrentDetails, sleep } from '@temporalio/workflow'

import type { MeasuredPeriods } from '../../domain/ports/analytics-store.ts'
import { settlingWaitMs } from './settling.ts'

/** Periods of a step; a step takes some seconds. */
const PERIODS_PER_STEP = 48

/** A month of hours. What is over is left to the next run. */
const STEPS_AT_MOST = 20

/** Corrected periods that a result names. */
const NAMED_AT_MOST = 100

/** A step: the named period, or at most `limit` of those that are missing. */
export type MeasureRequest = { readonly period?: string; readonly limit: number }

/** What a run measured. */
export type Measuring = {
  readonly computed: number
  readonly unchanged: number
  readonly corrected: string[]
  readonly latest: string
  readonly isComplete: boolean
}

/** Calls `measure` until nothing is missing, waits once for a period that has just ended, adds up. */
export async function measureAll(
  measure: (request: MeasureRequest) => Promise<MeasuredPeriods>,
  { period }: { readonly period?: string | undefined },
): Promise<Measuring> {
  const request = { limit: PERIODS_PER_STEP, ...(period === undefined ? {} : { period }) }
  let sum: Measuring | null = null
  let hasWaited = false
  for (let steps = 0; steps < STEPS_AT_MOST; steps += 1) {
    const next = await measure(request)
    sum = plus(sum, next)
    setCurrentDetails(describe(sum))
    if (!next.isComplete) continue
    if (next.settlesInMs === null || hasWaited) break
    hasWaited = true
    await sleep(settlingWaitMs(next.settlesInMs))
  }
  if (sum === null) throw new Error('no step was allowed')
  return sum
}

/** Corrected periods of a run whose reports are written anew; the others are when they are asked for. */
const REWRITTEN_AT_MOST = 12

/** Measures, then writes the named or last period and those that are other than before. */
export async function measureAndReport<Written>(
  steps: {
    readonly measure: (request: MeasureRequest) => Promise<MeasuredPeriods>
    readonly write: (request: { readonly period: string }) => Promise<Written | null>
  },
  input: { readonly period?: string | undefined },
): Promise<Measuring & { reports: Written[] }> {
  const measuring = await measureAll(steps.measure, input)
  const others = measuring.corrected.slice(-REWRITTEN_AT_MOST)
  const reports: Written[] = []
  for (const period of new Set([input.period ?? measuring.latest, ...others])) {
    const written = await steps.write({ period })
    if (written !== null) reports.push(written)
  }
  return { ...measuring, reports }
}

function plus(sum: Measuring | null, next: MeasuredPeriods): Measuring {
  const { computed, unchanged, latest, isComplete } = next
  const corrected = [...new Set([...(sum?.corrected ?? []), ...next.corrected])]
  return {
    computed: (sum?.computed ?? 0) + computed,
    unchanged: (sum?.unchanged ?? 0) + unchanged,
    corrected: corrected.slice(0, NAMED_AT_MOST),
    latest,
    isComplete,
  }
}

function describe({ computed, corrected, latest, isComplete }: Measuring): string {
  const more = isComplete ? '' : ', **more to do**'
  return `${computed} measured, ${corrected.length} corrected, up to ${latest}${more}`
}
