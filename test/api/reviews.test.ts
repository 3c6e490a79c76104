import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { runCommand } from '../support/read-commands.ts'
import { makeReadBook } from '../support/read-book.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

const NOTE = { by: 'user:ana', reason: 'looked at it' }

let rig: ApiRig
let caseId = ''

beforeAll(async () => {
  rig = await createApiRig()
  await makeReadBook(rig.database.db)
  const { rows } = await sql<{ id: string }>`
    select id from review_case where reason_code = 'DELAY_RANGE'`.execute(rig.database.db)
  caseId = rows[0]?.id ?? ''
})
afterAll(() => rig[Symbol.asyncDispose]())

function post(action: string, body: unknown, headers: Record<string, string> = {}) {
  return rig.ask('POST', `/api/reviews/${caseId}/${action}`, { body, headers })
}

describe('a review case', () => {
  it('is shown with timetable, timeline, rules, delay and what each outcome pays', async () => {
    const { status, body } = await rig.ask('GET', `/api/reviews/${caseId}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      caseId,
      state: 'OPEN',
      reason: 'DELAY_RANGE',
      possible: ['pay', 'deny', 'wait'],
      leg: {
        insured: { in: { utc: '2013-03-09T17:00:00.000Z', local: '2013-03-09T12:00' } },
        timeline: [{ provider: 'fake', entries: [{ seenCount: 2 }] }],
      },
    })
    const { groups } = body as { groups: Record<string, unknown>[] }
    const fd45 = groups.find(
      (group) => JSON.stringify(group['product']).includes('FD45') && group['currency'] === 'USD',
    )
    expect(fd45).toMatchObject({
      delayMin: 1_500,
      policies: 6,
      rules: expect.arrayContaining(['30% from 45 minutes late at the gate']) as unknown,
      outcomes: [
        { outcome: 'deny', bps: 0, minor: '0' },
        { outcome: 'pay delayMin=45', bps: 3_000, minor: '19620' },
        { outcome: 'pay delayMin=120', bps: 6_000, minor: '39240' },
        { outcome: 'pay delayMin=180', bps: 10_000, text: '654.00 USD' },
        { outcome: 'pay event=CANCELLED' },
        { outcome: 'pay event=NOT_REACHED' },
      ],
    })
  })

  it('is claimed, refused to others, released, escalated', async () => {
    expect(await post('claim', NOTE)).toMatchObject({ status: 200, body: { state: 'CLAIMED' } })
    expect(await post('claim', { ...NOTE, by: 'user:ben' })).toMatchObject({
      status: 409,
      body: { errors: [{ path: 'CLAIMED_BY_OTHER' }] },
    })
    expect(await post('release', NOTE)).toMatchObject({ body: { state: 'OPEN' } })
    expect(await post('escalate', NOTE)).toMatchObject({ body: { state: 'ESCALATED' } })
  })

  it.each([
    ['no reason', { by: 'user:ana', outcome: 'deny' }, 'reason'],
    ['an unknown outcome', { ...NOTE, outcome: 'maybe' }, 'outcome'],
    ['a payment without a basis', { ...NOTE, outcome: 'pay' }, 'bps'],
    ['a share above the whole', { ...NOTE, outcome: 'pay', bps: 10_001 }, 'bps'],
    ['a share with a denial', { ...NOTE, outcome: 'deny', bps: 1 }, 'bps'],
    ['a wait without an end', { ...NOTE, outcome: 'wait' }, 'until'],
    ['an unknown field', { ...NOTE, outcome: 'deny', amount: 1 }, 'amount'],
  ])('refuses %s', async (_name, body, path) => {
    expect(await post('decide', body)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
  })

  it('is decided once for a repeated request, and then closed', async () => {
    const headers = { 'idempotency-key': 'pay-1' }
    const body = { ...NOTE, outcome: 'pay', delayMin: 200 }
    const first = await post('decide', body, headers)
    expect(first).toMatchObject({
      status: 200,
      body: { state: 'RESOLVED', resolution: 'PAID', policiesPaid: 20, policiesDenied: 0 },
    })
    expect((await post('decide', body, headers)).body).toEqual(first.body)
    expect(await post('decide', body)).toMatchObject({
      status: 409,
      body: { errors: [{ path: 'CASE_CLOSED' }] },
    })
    expect((await rig.ask('GET', `/api/reviews/${caseId}`)).body).toMatchObject({
      resolvedBy: 'user:ana',
      possible: [],
      history: [
        { action: 'review.claim' },
        { action: 'review.release' },
        { action: 'review.escalate' },
        { action: 'review.pay', reason: 'looked at it' },
      ],
    })
  })

  it.each(['nothing', '5f0c6a52-2f0e-5d1c-8a37-6f1f3f0e9c01'])(
    'is not found: %s',
    async (missing) => {
      const path = `/api/reviews/${missing}`
      expect(await rig.ask('GET', path)).toMatchObject({ status: 404 })
      expect(await rig.ask('POST', `${path}/claim`, { body: NOTE })).toMatchObject({ status: 404 })
    },
  )
})

describe('an appeal', () => {
  const pathOf = (number: string) => `/api/policies/${number}/appeals`
  const appeal = (number: string, body: unknown, headers: Record<string, string> = {}) =>
    rig.ask('POST', pathOf(number), { body, headers })
  const decide = (id: unknown, outcome: string, more: object = {}) =>
    rig.ask('POST', `/api/reviews/${String(id)}/decide`, { body: { ...NOTE, outcome, ...more } })

  it('is taken once for a repeated request, decided as a case, and told with its grounds', async () => {
    const headers = { 'idempotency-key': 'appeal-1' }
    const body = { ...NOTE, evidence: 'Boarding pass 17,\nseen at the desk' }
    const first = await appeal('R-00-01', body, headers)
    expect(first).toMatchObject({
      status: 201,
      body: { n: 1, filedBy: 'user:ana', stateBefore: 'EXPIRED', result: null },
    })
    expect((await appeal('R-00-01', body, headers)).body).toEqual(first.body)
    expect(await appeal('R-00-01', body)).toMatchObject({
      status: 409,
      body: { errors: [{ path: 'APPEAL_OPEN' }] },
    })
    const { caseId: openCase } = first.body as { caseId: string }
    const explained = `/api/policies/R-00-01/explanation`
    expect((await rig.ask('GET', explained)).body).toMatchObject({ outcome: 'IN_REVIEW' })
    expect(await decide(openCase, 'deny')).toMatchObject({ body: { resolution: 'DENIED' } })
    expect((await rig.ask('GET', pathOf('R-00-01'))).body).toMatchObject({
      until: '2013-05-10T00:00:00.000Z',
      refusal: null,
      appeals: [{ caseId: openCase, result: 'STANDS', grounds: 'looked at it', moreMinor: null }],
    })
    expect((await rig.ask('GET', explained)).body).toMatchObject({
      outcome: 'NOT_PAID',
      text: expect.arrayContaining([
        expect.stringContaining('the decision stands. The reason: looked at it'),
      ]) as unknown,
    })
  })

  it('is taken, shown and decided on the command line as well', async () => {
    const run = (...words: string[]) => runCommand(rig.database.url, words)
    const made = await run('policies', 'appeal', 'R-00-02', '--reason', 'late', '--by', 'user:ben')
    expect(made.out).toMatch(/^appeal 1 of policy R-00-02 is taken, review case [0-9a-f-]{36}\n$/)
    const openCase = made.out.trim().slice(-36)
    expect((await run('policies', 'appeals', 'R-00-02')).out).toMatch(/an appeal is open/)
    expect((await run('policies', 'appeal', 'R-00-02', '--reason', 'x')).error).toMatchObject({
      message: `R-00-02: an appeal is open: review case ${openCase}`,
    })
    expect(await decide(openCase, 'pay', { bps: 10_000 })).toMatchObject({
      body: { resolution: 'PAID', payoutsCreated: 1 },
    })
    expect((await run('policies', 'appeals', 'R-00-02')).out).toMatch(
      /UPHELD +102\.00 USD +looked at it/,
    )
    expect((await run('policies', 'appeal', 'R-00-02', '--reason', 'x')).error).toMatchObject({
      message: 'R-00-02: a payout is under way: appeal when it is paid',
    })
  })

  it.each([
    ['no reason', { by: 'user:ana' }, 'reason'],
    ['empty evidence', { ...NOTE, evidence: '' }, 'evidence'],
    [
      'evidence of more than 2,000 characters',
      { ...NOTE, evidence: 'x'.repeat(2_001) },
      'evidence',
    ],
    ['a zero byte in the evidence', { ...NOTE, evidence: 'a\u0000' }, 'evidence'],
    ['an unknown field', { ...NOTE, amount: 1 }, 'amount'],
  ])('is refused with %s', async (_name, body, path) => {
    expect(await appeal('R-00-03', body)).toMatchObject({
      status: 422,
      body: { errors: [{ path }] },
    })
  })

  it.each([
    ['R-10-01', 409, 'UNDECIDED'],
    ['R-18-01', 409, 'NO_COVER'],
    ['R-05-00', 409, 'PAYOUT_OPEN'],
  ])('of policy %s is answered %i: %s', async (number, status, path) => {
    expect(await appeal(number, NOTE)).toMatchObject({ status, body: { errors: [{ path }] } })
  })

  it('is not found for a policy that nobody has', async () => {
    expect(await appeal('nobody', NOTE)).toMatchObject({ status: 404 })
    expect(await rig.ask('GET', pathOf('nobody'))).toMatchObject({ status: 404 })
  })
})
