/** `groundstop jobs limits`: who is at work, and who waits for a place. */
import { createJobPlaces } from '../../db/stores/job-place-store.ts'
import { createSettingStore } from '../../db/stores/setting-store.ts'
import { readJobLimits } from '../../operations/read-job-limits.ts'
import type { CliContext } from '../context.ts'
import { openDatabase } from '../instance-access.ts'
import { tableLines, timeText } from '../screen/table.ts'

/** Prints them as a table, or as one JSON object. */
export async function showJobLimits(context: CliContext, isJson: boolean): Promise<void> {
  await using database = await openDatabase(context)
  const { db } = database
  const limits = await readJobLimits({
    jobPlaces: createJobPlaces(db),
    settingStore: createSettingStore(db),
  })
  const lines = tableLines(
    ['job', 'at once', 'a minute', 'at work', 'waiting', 'first waits since, UTC'],
    limits.map(({ job, concurrent, perMinute, atWork, waiting }) => [
      job,
      concurrent,
      perMinute,
      atWork.length,
      waiting.length,
      timeText(waiting[0]?.askedAt ?? null),
    ]),
  )
  context.stdout.write(isJson ? `${JSON.stringify({ limits })}\n` : `${lines.join('\n')}\n`)
}
