/** Writes docs/jobs.md from the registry. `--check` writes nothing and fails when the file is stale. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { format } from 'oxfmt'
import { z } from 'zod'

import type { JobSchedule } from '../jobs/define-job.ts'
import { DEFAULT_TERMS } from '../jobs/job-environments.ts'
import { allJobs, type AnyJob } from '../jobs/registry.ts'

const TARGET = fileURLToPath(new URL('../docs/jobs.md', import.meta.url))

type JsonSchema = {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly type?: string
  readonly enum?: readonly string[]
  readonly format?: string
  readonly description?: string
  readonly anyOf?: readonly JsonSchema[]
}

/** The document's text, formatted as every other document. */
export async function jobsDocument(): Promise<string> {
  const head = [
    '# Jobs',
    '',
    'Generated from `jobs/` by `node scripts/generate-jobs-doc.ts`; change the job, not this page.',
    'A job is started by its name or its type: `groundstop jobs run flight-monitor`.',
  ]
  const text = `${[...head, ...allJobs().flatMap(jobSection)].join('\n')}\n`
  return (await format(TARGET, text, { proseWrap: 'preserve' })).code
}

function jobSection(job: AnyJob): string[] {
  const runbook = job.runbook.replace('docs/', '')
  return [
    '',
    `## ${job.name} (\`${job.type}\`)`,
    '',
    job.description,
    '',
    '| | |',
    '|---|---|',
    `| schedule | ${job.schedule === undefined ? 'on demand only' : scheduleText(job.schedule)} |`,
    ...(job.after === undefined ? [] : [`| after | ${job.after.join(', ')} |`]),
    `| where | ${whereText(job)} |`,
    `| queue, priority | ${job.queue}, ${job.priority} |`,
    `| attempts | ${attemptsText(job)} |`,
    `| time of one attempt | ${timeoutText(job)} |`,
    `| a second start | ${job.onConflict.whileOpen} while open, ${job.onConflict.afterClose} after |`,
    `| limits over all workers | ${limitsText(job)} |`,
    `| when attempts are used up | ${job.onExhausted} |`,
    `| target | ${targetText(job)} |`,
    `| owner, alerts | ${job.owner}; ${job.alerts.join(', ')} |`,
    `| runbook | [${job.name}](${runbook}) |`,
    '',
    ...fieldsTable('Input', job.input),
    '',
    ...fieldsTable('Result', job.result),
  ]
}

function scheduleText(schedule: JobSchedule): string {
  const when =
    schedule.kind === 'interval'
      ? `every ${durationText(schedule.everyMs)}`
      : `${schedule.calendars.map((calendar) => JSON.stringify(calendar)).join(', ')} ${schedule.timezone}`
  const { spread } = schedule
  const offset =
    spread === undefined
      ? ''
      : `; ${durationText(spread.offsetMs)} of a spread over ${durationText(spread.windowMs)}`
  const startup = schedule.onStartup === true ? ' and on start-up' : ''
  return `${when}${startup}${offset}; overlap: ${schedule.overlap}; caught up within ${durationText(schedule.catchUpMs)}`
}

function attemptsText({ retry: { attempts } = {} }: AnyJob): string {
  if (attempts === undefined) return `as \`DEFAULT_RETRIES\` says: ${DEFAULT_TERMS.attempts}`
  if (typeof attempts === 'number') return String(attempts)
  const places = Object.entries(attempts).map(([environment, count]) => `${environment}: ${count}`)
  return places.join('; ')
}

function timeoutText({ timeoutMs }: AnyJob): string {
  if (timeoutMs === undefined) {
    return `as \`JOB_TIMEOUT\` says: ${durationText(DEFAULT_TERMS.timeoutMs)}`
  }
  return timeoutMs === null ? 'open' : durationText(timeoutMs)
}

function whereText({ environments, schedule }: AnyJob): string {
  const places = Object.entries(environments).map(([environment, presence]) => {
    if (schedule !== undefined || presence === 'off') return `${environment}: ${presence}`
    return `${environment}: by-hand`
  })
  return places.join('; ')
}

function limitsText({ limits = {} }: AnyJob): string {
  const parts = [
    limits.concurrent === undefined ? '' : `${limits.concurrent} at work at once`,
    limits.perMinute === undefined ? '' : `${limits.perMinute} begin a minute`,
  ]
  return parts.filter((part) => part !== '').join('; ') || 'none'
}

function targetText({ slo }: AnyJob): string {
  const parts = [
    slo.durationMs === undefined ? '' : `ends within ${durationText(slo.durationMs)}`,
    slo.freshnessMs === undefined
      ? ''
      : `last success at most ${durationText(slo.freshnessMs)} old`,
  ]
  return parts.filter((part) => part !== '').join('; ') || 'none'
}

const UNITS: readonly [unit: string, ms: number][] = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? ['ms', 1]
  return `${ms / size} ${unit}`
}

function fieldsTable(title: string, schema: z.ZodType): string[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema) as JsonSchema // our own schemas
  const rows = Object.entries(properties).map(([field, value]) => {
    const need = required.includes(field) ? '' : ', optional'
    return `| \`${field}\` | ${typeText(value)}${need} | ${value.description ?? ''} |`
  })
  return [`| ${title} | type | meaning |`, '|---|---|---|', ...rows]
}

function typeText({ enum: values, type, format, anyOf }: JsonSchema): string {
  if (values !== undefined) return values.join(', ')
  if (anyOf !== undefined) return anyOf.map(typeText).join(' or ')
  return format ?? type ?? 'any'
}

async function main(): Promise<void> {
  const text = await jobsDocument()
  if (!process.argv.includes('--check')) {
    await writeFile(TARGET, text)
    return
  }
  const present = await readFile(TARGET, 'utf8').catch(() => '')
  if (present === text) return
  console.error('docs/jobs.md is stale: run `node scripts/generate-jobs-doc.ts`')
  process.exitCode = 1
}

if (import.meta.main) await main()
