import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import { Command } from 'commander'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { register } from '../../cli/commands/payouts.ts'
import { createPayoutControlStore } from '../../db/stores/payout-control-store.ts'
import { PAYOUTS_PAUSED } from '../../domain/ports/setting-store.ts'
import { approvePayouts } from '../../operations/approve-payouts.ts'
import { controlPayouts, readPayoutControls } from '../../operations/control-payouts.ts'
import { createTestDatabase } from '../support/database.ts'
import type { TestDatabase } from '../support/database.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores, HandClock } from '../support/payment-rig.ts'

let database: TestDatabase
let stores: ReturnType<typeof createPayoutStores>
let books = 0
const clock = new HandClock()

beforeAll(async () => {
  database = await createTestDatabase()
  stores = createPayoutStores(database.db)
  await makeBook('FD45')
  await makeBook('FD120')
})
afterAll(() => database[Symbol.asyncDispose]())
afterEach(async () => {
  await sql`delete from setting`.execute(database.db)
})

function makeBook(productCode: string): Promise<string[]> {
  books += 1
  return makePayoutBook(database.db, { size: 2, prefix: `C${books}X`, productCode })
}

function deps() {
  return { payoutControls: createPayoutControlStore(database.db), clock }
}

function change(action: 'pause' | 'resume', product?: string) {
  const named = product === undefined ? {} : { product }
  return controlPayouts(deps(), { action, by: 'user:ana', reason: 'drill', ...named })
}

async function approved(payoutIds: readonly string[]): Promise<number> {
  return (await approvePayouts({ ...stores, clock }, { payoutIds })).approved
}

async function auditCount(): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from audit_event`.execute(
    database.db,
  )
  return rows[0]?.n ?? 0
}

/** Runs a command line on the database. */
async function groundstop(...words: string[]): Promise<{ out: string; error: unknown }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const out = text(stdout)
  const env = { DATABASE_URL: database.url }
  const program = new Command('groundstop')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  register(program, { env, stdout, stderr, signal: new AbortController().signal })
  for (const command of program.commands.flatMap((one) => [one, ...one.commands])) {
    command.exitOverride().configureOutput({ writeErr: () => undefined })
  }
  const error: unknown = await program
    .parseAsync(['node', 'groundstop', ...words])
    .then(() => null)
    .catch((thrown: unknown) => thrown)
  stdout.end()
  return { out: await out, error }
}

describe('the kill switch', () => {
  test('pauses every payout, and resuming lets them go on', async () => {
    const payoutIds = await makeBook('FD45')
    await change('pause')
    expect(await approved(payoutIds)).toBe(0)
    await change('resume')
    expect(await approved(payoutIds)).toBe(2)
  })

  test('pauses the payouts of one product, and no others', async () => {
    const paused = await makeBook('FD45')
    const running = await makeBook('FD120')
    await change('pause', 'FD45')
    expect(await approved(paused)).toBe(0)
    expect(await approved(running)).toBe(2)
    await change('resume', 'FD45')
    expect(await approved(paused)).toBe(2)
  })

  test('keeps a product paused by name when the whole is resumed', async () => {
    const paused = await makeBook('FD45')
    const running = await makeBook('FD120')
    await change('pause', 'FD45')
    await change('pause')
    expect(await approved([...paused, ...running])).toBe(0)
    await change('resume')
    expect(await approved([...paused, ...running])).toBe(2)
    expect((await readPayoutControls(deps())).pause).toEqual({ all: false, products: ['FD45'] })
  })

  test('stays on for all when one product is resumed', async () => {
    const payoutIds = await makeBook('FD45')
    await change('pause')
    expect(await change('resume', 'FD45')).toMatchObject({ isChanged: false })
    expect(await approved(payoutIds)).toBe(0)
  })

  test.each([
    [{ all: 'no', products: [] }, 0],
    [{ all: false, products: [] }, 2],
  ])('holds when "all" is not false: %o', async (value, count) => {
    const payoutIds = await makeBook('FD45')
    await stores.settingStore.write(PAYOUTS_PAUSED, value, 'user:test')
    expect(await approved(payoutIds)).toBe(count)
  })

  test('records who changed what and why, once', async () => {
    const earlier = await auditCount()
    await change('pause')
    await change('pause')
    expect(await auditCount()).toBe(earlier + 1)
    const { rows } = await sql`
      select at, actor, action, subject, details from audit_event
      order by seq desc limit 1`.execute(database.db)
    expect(rows[0]).toEqual({
      at: await clock.now(),
      actor: 'user:ana',
      action: 'payouts.pause',
      subject: 'payouts',
      details: {
        before: { all: false, products: [] },
        after: { all: true, products: [] },
        reason: 'drill',
      },
    })
  })

  test('loses no change when several are made at once', async () => {
    await Promise.all([change('pause', 'FD45'), change('pause', 'FD120'), change('pause')])
    expect((await readPayoutControls(deps())).pause).toEqual({
      all: true,
      products: ['FD120', 'FD45'],
    })
  })

  test('refuses a product that never existed, and stops nothing', async () => {
    const earlier = await auditCount()
    await expect(change('pause', 'FD54')).rejects.toThrow('no product FD54; known: FD120, FD45')
    expect(await auditCount()).toBe(earlier)
  })
})

describe('groundstop payouts', () => {
  test('pauses, shows and resumes', async () => {
    const pause = [
      'payouts',
      'pause',
      '--product',
      'FD45',
      '--reason',
      'odd figures',
      '--by',
      'ana',
    ]
    expect(await groundstop(...pause)).toEqual({
      out: 'payouts of FD45 are paused, the others go out\n',
      error: null,
    })
    expect((await groundstop(...pause)).out).toMatch(/^no change: /)
    expect((await groundstop('payouts', 'status')).out).toMatch(/^payouts of FD45 .*\(ana, /)
    const json = await groundstop('payouts', 'status', '--json')
    expect(JSON.parse(json.out)).toMatchObject({ pause: { all: false, products: ['FD45'] } })
    const resumed = await groundstop('payouts', 'resume', '--product', 'FD45', '--reason', 'fine')
    expect(resumed.out).toBe('payouts go out\n')
  })

  test.each([
    [['payouts', 'pause'], "required option '--reason <text>'"],
    [['payouts', 'pause', '--reason', ' '], '--reason must have 1 to 200 characters'],
    [['payouts', 'pause', '--reason', 'x', '--product', 'FD54'], 'there is no product FD54'],
  ])('refuses %o', async (words, message) => {
    expect(String((await groundstop(...words)).error)).toContain(message)
  })
})
