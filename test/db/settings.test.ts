import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { createSettingStore } from '../../db/stores/setting-store.ts'
import {
  LOG_LEVEL,
  PAYOUTS_APPROVAL_LIMIT,
  PAYOUTS_PAUSED,
  SALES_OPEN,
} from '../../domain/ports/setting-store.ts'
import { RUNS_HISTORY_DAYS } from '../../domain/ports/run-store.ts'
import { changeSetting, listSettings, readSetting } from '../../operations/change-settings.ts'
import { createLogger } from '../../platform/logger.ts'
import { watchSettings } from '../../platform/settings-watch.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { HandClock } from '../support/payment-rig.ts'
import { quoteDesk } from '../support/quote-desk.ts'
import { runCommand } from '../support/read-commands.ts'

let database: TestDatabase
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())
afterEach(async () => {
  await sql`delete from setting`.execute(database.db)
})

function deps(defaults: Record<string, unknown> = {}) {
  return { settingStore: createSettingStore(database.db), defaults, clock }
}

function set(key: string, value: unknown, more: { version?: number; by?: string } = {}) {
  return changeSetting(deps(), { key, value, by: 'user:ana', reason: 'drill', ...more })
}

function reset(key: string, version?: number) {
  return changeSetting(deps(), { key, version, by: 'user:ana', reason: 'over' })
}

async function auditOf(key: string): Promise<unknown[]> {
  const { rows } = await sql<{ row: unknown }>`
    select jsonb_build_object('actor', actor, 'action', action, 'details', details) as row
    from audit_event where subject = ${`setting:${key}`} order by seq`.execute(database.db)
  return rows.map(({ row }) => row)
}

describe('a setting', () => {
  test('has its default until it is set, and again when it is reset', async () => {
    expect(await readSetting(deps(), RUNS_HISTORY_DAYS)).toMatchObject({ value: 30, isSet: false })
    await set(RUNS_HISTORY_DAYS, 7)
    expect(await readSetting(deps(), RUNS_HISTORY_DAYS)).toMatchObject({
      ...{ value: 7, isSet: true, default: 30, updatedBy: 'user:ana' },
    })
    const { setting, isChanged } = await reset(RUNS_HISTORY_DAYS)
    expect(setting).toMatchObject({ value: 30, isSet: false, version: 0 })
    expect(isChanged).toBe(true)
  })

  test('takes the default of the environment before its own', async () => {
    const shown = await readSetting(deps({ [LOG_LEVEL]: 'warn' }), LOG_LEVEL)
    expect(shown).toMatchObject({ value: 'warn', default: 'warn', variable: 'LOG_LEVEL' })
  })

  test('is audited with actor, reason, before and after', async () => {
    await set(SALES_OPEN, false)
    await reset(SALES_OPEN)
    expect(await auditOf(SALES_OPEN)).toEqual([
      {
        actor: 'user:ana',
        action: 'setting.changed',
        details: { before: null, after: false, reason: 'drill' },
      },
      {
        actor: 'user:ana',
        action: 'setting.reset',
        details: { before: false, after: null, reason: 'over' },
      },
    ])
  })

  test('that is set to what it is already is neither changed nor audited', async () => {
    const key = PAYOUTS_APPROVAL_LIMIT
    await set(key, { USD: 50_000 })
    const before = await readSetting(deps(), key)
    const recorded = await auditOf(key)
    expect(await set(key, { USD: 50_000 })).toMatchObject({ isChanged: false })
    expect(await readSetting(deps(), key)).toEqual(before)
    expect(await auditOf(key)).toEqual(recorded)
    await reset(key)
    expect(await reset(key)).toMatchObject({ isChanged: false })
  })

  test('that was written past the door and is out of bounds is shown as such', async () => {
    await deps().settingStore.write(RUNS_HISTORY_DAYS, 'a week', 'user:eve')
    const all = await listSettings(deps())
    expect(all.filter((one) => one.isOutOfBounds).map(({ key }) => key)).toEqual([
      RUNS_HISTORY_DAYS,
    ])
  })

  test('no one has heard of is refused by name', async () => {
    await expect(set('runs.historyDay', 7)).rejects.toMatchObject({
      code: 'UNKNOWN_SETTING',
      message: expect.stringContaining('runs.historyDays'),
    })
  })

  test('that has a command of its own is changed by nothing else', async () => {
    await expect(set(PAYOUTS_PAUSED, true)).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' })
    await expect(reset(PAYOUTS_PAUSED)).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' })
  })
})

describe('bounds', () => {
  test.each([
    [RUNS_HISTORY_DAYS, 1],
    [RUNS_HISTORY_DAYS, 365],
    [PAYOUTS_APPROVAL_LIMIT, 0],
    [PAYOUTS_APPROVAL_LIMIT, { USD: 1, JPY: 0 }],
    [LOG_LEVEL, 'debug'],
    [SALES_OPEN, false],
  ])('of %s take %j', async (key, value) => {
    expect((await set(key, value)).setting.value).toEqual(value)
  })

  test.each([
    [RUNS_HISTORY_DAYS, 0],
    [RUNS_HISTORY_DAYS, 366],
    [RUNS_HISTORY_DAYS, 1.5],
    [RUNS_HISTORY_DAYS, '7'],
    [PAYOUTS_APPROVAL_LIMIT, -1],
    [PAYOUTS_APPROVAL_LIMIT, null],
    [PAYOUTS_APPROVAL_LIMIT, Number.MAX_SAFE_INTEGER + 1],
    [PAYOUTS_APPROVAL_LIMIT, {}],
    [PAYOUTS_APPROVAL_LIMIT, { USB: 1 }],
    [PAYOUTS_APPROVAL_LIMIT, { USD: null }],
    [LOG_LEVEL, 'loud'],
    [SALES_OPEN, 'false'],
  ])('of %s refuse %j and leave things as they are', async (key, value) => {
    await expect(set(key, value)).rejects.toMatchObject({ code: 'OUT_OF_BOUNDS' })
    expect(await readSetting(deps(), key)).toMatchObject({ isSet: false })
  })
})

describe('changes at once', () => {
  test('of one version: one holds, the other is told', async () => {
    const seen = 0
    const both = await Promise.allSettled([
      set(RUNS_HISTORY_DAYS, 7, { version: seen, by: 'user:ana' }),
      set(RUNS_HISTORY_DAYS, 8, { version: seen, by: 'user:bob' }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const refused = both.find((one) => one.status === 'rejected')
    expect(refused?.reason).toMatchObject({ code: 'CHANGED_MEANWHILE' })
  })

  test('a version that was reset and set anew is not taken for the old one', async () => {
    const first = (await set(RUNS_HISTORY_DAYS, 7)).setting.version
    await reset(RUNS_HISTORY_DAYS, first)
    await set(RUNS_HISTORY_DAYS, 8)
    await expect(set(RUNS_HISTORY_DAYS, 9, { version: first })).rejects.toMatchObject({
      code: 'CHANGED_MEANWHILE',
    })
  })

  test('without a version the last one holds, and each is audited with what was before', async () => {
    await Promise.all([1, 2, 3, 4].map((days) => set(RUNS_HISTORY_DAYS, days)))
    const { value } = await readSetting(deps(), RUNS_HISTORY_DAYS)
    const { rows } = await sql<{ before: unknown; after: unknown }>`
      select details -> 'before' as before, details -> 'after' as after from audit_event
      where subject = ${`setting:${RUNS_HISTORY_DAYS}`} order by seq desc limit 4`.execute(
      database.db,
    )
    expect(rows[0]?.after).toBe(value)
    for (const [index, row] of rows.slice(0, -1).entries()) {
      expect(row.before).toBe(rows[index + 1]?.after)
    }
  })
})

describe('a process', () => {
  async function watched(work: (levelHolds: (level: string) => Promise<void>) => Promise<void>) {
    const lines: string[] = []
    const logger = createLogger({
      level: 'warn',
      destination: { write: (line) => lines.push(line) },
    })
    const child = logger.child({ data: { part: 'child' } })
    const holds = (level: 'info' | 'debug' | 'warn'): boolean => {
      const before = lines.length
      child.debug({}, 'debug-line')
      child.info({}, 'info-line')
      return lines.length - before === { warn: 0, info: 1, debug: 2 }[level]
    }
    await using _watch = watchSettings({
      ...{ settingStore: createSettingStore(database.db), defaults: { [LOG_LEVEL]: 'warn' } },
      ...{ logger, everyMs: 20 },
    })
    await work(async (level) => {
      await expect.poll(() => holds(level as 'info'), { timeout: 5_000 }).toBe(true)
    })
  }

  test('logs as the setting says within seconds, and as the environment says after a reset', async () => {
    await watched(async (levelHolds) => {
      await levelHolds('warn')
      await set(LOG_LEVEL, 'debug')
      await levelHolds('debug')
      await reset(LOG_LEVEL)
      await levelHolds('warn')
    })
  })

  test('keeps to the environment while the stored value is out of bounds', async () => {
    await watched(async (levelHolds) => {
      await set(LOG_LEVEL, 'info')
      await levelHolds('info')
      await deps().settingStore.write(LOG_LEVEL, 'loud', 'user:eve')
      await levelHolds('warn')
    })
  })
})

describe('closed sales', () => {
  test('quote nothing, and decline what was quoted before', async () => {
    await using desk = await quoteDesk()
    const quoteId = await desk.quoteId()
    const store = createSettingStore(desk.db)
    const change = (value?: boolean) =>
      changeSetting(
        { settingStore: store, defaults: {}, clock: desk.clock },
        { key: SALES_OPEN, by: 'user:ana', reason: 'drill', ...(value === false ? { value } : {}) },
      )
    await change(false)
    expect(await desk.quote()).toMatchObject({ ok: false, refusal: { code: 'SALES_CLOSED' } })
    expect(await desk.bind(quoteId)).toMatchObject({
      kind: 'declined',
      quote: { declined: { code: 'SALES_CLOSED' } },
    })
    await change()
    expect(await desk.bind(await desk.quoteId())).toMatchObject({ kind: 'bound', isNew: true })
  })
})

describe('groundstop settings', () => {
  const run = (...words: string[]) => runCommand(database.url, ['settings', ...words])
  const note = ['--by', 'user:ana', '--reason', 'drill']

  test('sets, shows and resets', async () => {
    expect((await run('set', RUNS_HISTORY_DAYS, '7', ...note)).out).toBe(
      'runs.historyDays is now 7\n',
    )
    expect((await run('list')).out).toMatch(/runs\.historyDays +7 +days +user:ana/)
    expect((await run('get', RUNS_HISTORY_DAYS)).out).toMatch(
      /bounds +a whole number from 1 to 365/,
    )
    expect((await run('reset', RUNS_HISTORY_DAYS, ...note)).out).toBe(
      'runs.historyDays is now 30\n',
    )
  })

  test('takes plain text, and refuses what is out of bounds', async () => {
    expect((await run('set', LOG_LEVEL, 'debug', ...note)).out).toBe('log.level is now "debug"\n')
    const { error } = await run('set', LOG_LEVEL, 'loud', ...note)
    expect(error).toMatchObject({ message: expect.stringContaining('must be one of trace') })
  })

  test('refuses a version that is not stored any more', async () => {
    const { error } = await run('set', RUNS_HISTORY_DAYS, '7', '--if-version', '3', ...note)
    expect(error).toMatchObject({ message: expect.stringContaining('it is not set') })
  })
})
