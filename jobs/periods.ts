/** What the jobs that measure periods have in common: a period by its name, and what was measured. */
import { z } from 'zod'

import { PERIOD_LABELS, periodOf, type PeriodKind } from '../domain/analytics/period.ts'

const count = z.int().min(0)

const EXAMPLES: Readonly<Record<PeriodKind, string>> = {
  hour: '2013-02-08T17',
  day: '2013-02-08',
  week: '2013-02-03, a Sunday',
  month: '2013-02',
}

/** A period by its name. */
export function periodField(kind: PeriodKind): z.ZodOptional<z.ZodString> {
  return z
    .string()
    .regex(PERIOD_LABELS[kind], `a ${kind}, as ${EXAMPLES[kind]}`)
    .refine((label) => periodOf(kind, label) !== null, `a ${kind}, as ${EXAMPLES[kind]}`)
    .optional()
    .meta({
      description: `Only this ${kind}, as ${EXAMPLES[kind]}. Absent: all that ended and are missing.`,
    })
}

/** Fields of the result of a measuring. */
export const measuredFields = {
  computed: count.meta({ description: 'Periods measured for the first time.' }),
  unchanged: count.meta({ description: 'Periods measured again with the same figures.' }),
  corrected: z.array(z.string()).meta({
    description: 'Periods whose figures are other than before; at most 100 are named.',
  }),
  latest: z.string().meta({ description: 'The last period that has ended.' }),
  isComplete: z.boolean().meta({ description: 'False: the next run goes on.' }),
} as const

/** A report that was written. */
export const writtenReport = z.strictObject({
  report: z.string(),
  period: z.string(),
  files: count,
  bytes: count,
  rows: count.meta({ description: 'Lines of data.' }),
  isChanged: z.boolean().meta({ description: 'False: the same files were there already.' }),
  isTold: z.boolean().optional().meta({ description: 'Whether operators were told of it now.' }),
})
