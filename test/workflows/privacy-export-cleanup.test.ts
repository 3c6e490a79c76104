/** The daily end of copies: files go, open requests are looked after; and against real files. */
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { EXPORT_KEPT_MS } from '../../domain/privacy-request.ts'
import { openPrivacyDesk, type PrivacyDesk } from '../support/privacy-desk.ts'
import { testPrivacyCleanup } from '../support/privacy-cleanup-rules.ts'
import { fakeExportCleanup } from '../support/privacy-histories.ts'
import { runOnce } from '../support/run-rules.ts'
import { services } from '../support/services.ts'
import { createTemporalRig, type TemporalRig } from '../support/temporal-rig.ts'
import { testBundle } from '../support/workflow-bundle.ts'

let rig: TemporalRig

beforeAll(async () => {
  rig = await createTemporalRig(services().temporalAddress)
  await testBundle()
})
afterAll(() => rig[Symbol.asyncDispose]())

const JOB = 'privacy-export-cleanup'

testPrivacyCleanup(() => rig, {
  job: JOB,
  activities: (change) => ({ ...fakeExportCleanup(), ...change }),
  steps: { plan: 'planExportCleanup', remove: 'removeExports', count: 'countExports' },
  after: ['tendRequests'],
  beside: { open: 3, dueSoon: 1, overdue: 1 },
  calendar: { hour: 2 },
})

describe('over real files and requests', () => {
  let desk: PrivacyDesk
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundstop-privacy-'))
    desk = await openPrivacyDesk(folder)
  })
  afterAll(async () => {
    await desk[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (input = {}) => runOnce(rig, { job: JOB, input }, desk.activities[JOB])

  test('removes what is more than 7 days old, and leaves what is a minute younger', async () => {
    for (const [name, ageMs] of [
      ['old', EXPORT_KEPT_MS + 60_000],
      ['young', EXPORT_KEPT_MS - 60_000],
    ] as const) {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'export.json.sealed'), '{}')
      const at = new Date(Date.now() - ageMs)
      await utimes(join(folder, name, 'export.json.sealed'), at, at)
    }
    expect(await run({ isDryRun: true })).toMatchObject({ items: 1 })
    expect(await run()).toMatchObject({ items: 1, isComplete: true })
    expect(await readdir(folder)).toEqual(['young'])
  })

  test('starts the run of each open request, and tells operators what is due, once a day', async () => {
    const { requestId } = await desk.receive('export', 'acct_1')
    const late = await desk.receive('export', 'acct_2', 40)
    expect(await run()).toMatchObject({ open: 2, dueSoon: 0, overdue: 1 })
    expect(desk.started).toEqual([late.requestId, requestId])
    await run()
    const told = await sql<{ content: { subject: string; text: string } }>`
      select distinct content from notification where audience = 'operator'`.execute(desk.db)
    expect(told.rows.map(({ content }) => content.subject)).toEqual([
      '1 privacy requests are overdue, 0 are due within a week',
    ])
    expect(JSON.stringify(told.rows)).not.toContain('acct_2')
  })
})
