/** One payout over HTTP and by the command line: approved, its payee corrected. */
import { PassThrough } from 'node:stream'

import { Command } from 'commander'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { register } from '../../cli/commands/payouts.ts'
import { PAYOUTS_APPROVAL_LIMIT } from '../../domain/ports/setting-store.ts'
import { makePayoutBook } from '../support/payout-book.ts'
import { createPayoutStores } from '../support/payment-rig.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const NOTE = { by: 'user:ana', reason: 'account closed' }
const NO_PAYOUT = '00000000-0000-4000-8000-000000000000'

let rig: ApiRig
let payoutIds: string[]

beforeAll(async () => {
  rig = await createApiRig()
  payoutIds = await makePayoutBook(rig.database.db, { size: 6 })
})
afterAll(() => rig[Symbol.asyncDispose]())

const post = (payoutId: string, action: string, body: unknown, headers = {}) =>
  rig.ask('POST', `/api/payouts/${payoutId}/${action}`, { body, headers })

async function rowOf(payoutId: string | undefined) {
  const { rows } = await sql<{ state: string; payee_ref: string }>`
    select state, payee_ref from payout where id = ${payoutId}::uuid`.execute(rig.database.db)
  return rows[0]
}

describe('a payee over HTTP', () => {
  it('is corrected, and a repeat is the same request', async () => {
    const [payoutId = ''] = payoutIds
    const headers = { 'idempotency-key': 'payee-1' }
    const body = { ...NOTE, payeeRef: 'acct_mended' }
    const first = await post(payoutId, 'payee', body, headers)
    expect(first).toMatchObject({ status: 200, body: { changed: true, state: 'CREATED' } })
    expect((await post(payoutId, 'payee', body, headers)).body).toEqual(first.body)
    expect(await rowOf(payoutId)).toMatchObject({ payee_ref: 'acct_mended' })
  })

  it('of an approved payout is a conflict', async () => {
    const [, payoutId = ''] = payoutIds
    await post(payoutId, 'approve', NOTE)
    const answer = await post(payoutId, 'payee', { ...NOTE, payeeRef: 'acct_mended' })
    expect(answer).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('APPROVED') },
    })
  })

  it.each([
    ['no account', NOTE, 'payeeRef'],
    ['an account with a space', { ...NOTE, payeeRef: 'acct 1' }, 'payeeRef'],
    ['no reason', { by: 'user:ana', payeeRef: 'acct_1' }, 'reason'],
  ])('with %s is refused', async (_name, body, path) => {
    const answer = await post(payoutIds[0] ?? '', 'payee', body)
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path }] } })
  })

  it.each([NO_PAYOUT, 'nonsense'])('of payout %s is not found', async (payoutId) => {
    const answer = await post(payoutId, 'payee', { ...NOTE, payeeRef: 'acct_1' })
    expect(answer.status).toBe(404)
  })
})

describe('an approval over HTTP', () => {
  it('approves', async () => {
    const [, , payoutId = ''] = payoutIds
    expect(await post(payoutId, 'approve', NOTE)).toMatchObject({
      status: 200,
      body: { approved: 1, held: 0, awaitingSecond: 0 },
    })
    expect(await rowOf(payoutId)).toMatchObject({ state: 'APPROVED' })
  })

  it('above the limit takes two people, and a repeat of the first is not the second', async () => {
    const [, , , payoutId = ''] = payoutIds
    const { settingStore } = createPayoutStores(rig.database.db)
    await settingStore.write(PAYOUTS_APPROVAL_LIMIT, 11_999, 'user:test')
    const headers = { 'idempotency-key': 'approve-1' }
    const first = await post(payoutId, 'approve', NOTE, headers)
    expect(first).toMatchObject({ body: { approved: 0, awaitingSecond: 1 } })
    expect((await post(payoutId, 'approve', NOTE, headers)).body).toEqual(first.body)
    expect((await post(payoutId, 'approve', NOTE)).status).toBe(409)
    const second = await post(payoutId, 'approve', { ...NOTE, by: 'user:ben' })
    expect(second).toMatchObject({ body: { approved: 1, awaitingSecond: 0 } })
    await sql`delete from setting`.execute(rig.database.db)
  })
})

describe('the command line', () => {
  async function run(...args: string[]): Promise<{ text: string; error: unknown }> {
    const stdout = new PassThrough()
    const program = new Command().exitOverride()
    const { signal } = new AbortController()
    const env = { DATABASE_URL: rig.database.url }
    register(program, { env, stdout, stderr: stdout, signal })
    const error: unknown = await program.parseAsync(['payouts', ...args], { from: 'user' }).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    return { text: String(stdout.read() ?? ''), error }
  }

  it('corrects a payee and approves', async () => {
    const payoutId = payoutIds[4] ?? ''
    const note = ['--reason', NOTE.reason, '--by', NOTE.by]
    const corrected = await run('payee', payoutId, 'acct_mended', ...note)
    expect(corrected).toEqual({
      text: `payout ${payoutId} (CREATED) goes to acct_mended\n`,
      error: null,
    })
    expect((await run('approve', payoutId, ...note)).text).toContain('approved: it goes out')
    expect(await rowOf(payoutId)).toEqual({ state: 'APPROVED', payee_ref: 'acct_mended' })
    const late = await run('payee', payoutId, 'acct_other', ...note)
    expect(late.error).toMatchObject({ name: 'CliError', exitCode: 1 })
  })

  it('says that there is no such payout', async () => {
    const { error } = await run('payee', NO_PAYOUT, 'acct_1', '--reason', 'x')
    expect(error).toMatchObject({ message: `payout ${NO_PAYOUT} does not exist` })
  })
})
