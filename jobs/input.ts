/** Checks of a job's input and result, with field paths that people can read. */
import type { z } from 'zod'

import type { AnyJob } from './registry.ts'

/** One thing wrong: `policyId: expected string, received number`. */
export type FieldProblem = { readonly field: string; readonly message: string }

/** Checked input, or what is wrong with it. */
export type InputCheck =
  | { readonly ok: true; readonly input: Record<string, unknown> }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] }

/** At most this many problems are told: a caller mends the first ones first. */
const PROBLEMS_SHOWN = 20

/** Parses a job's input. Never throws: what is wrong is a value, with the path of each field. */
export function checkInput(job: AnyJob, input: unknown): InputCheck {
  const parsed = job.input.safeParse(input)
  // Every job's input is an object schema, which the registry's test asserts.
  if (parsed.success) return { ok: true, input: parsed.data as Record<string, unknown> }
  return { ok: false, problems: parsed.error.issues.slice(0, PROBLEMS_SHOWN).flatMap(toProblems) }
}

function toProblems(issue: z.core.$ZodIssue): FieldProblem[] {
  const path = issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') {
    return [{ field: path === '' ? 'input' : path, message: plain(issue.message) }]
  }
  return issue.keys.map((key) => ({
    field: path === '' ? key : `${path}.${key}`,
    message: 'no such field',
  }))
}

/** zod's own prefix says again what the sentence says already. */
function plain(text: string): string {
  const rest = text.replace(/^Invalid input: /, '')
  return rest.charAt(0).toLowerCase() + rest.slice(1)
}

/** `flight-monitor: invalid input: policyId: expected string, received number`. */
export function describeProblems(jobName: string, problems: readonly FieldProblem[]): string {
  const parts = problems.map(({ field, message }) => `${field}: ${message}`)
  return `${jobName}: invalid input: ${parts.join('; ')}`
}
