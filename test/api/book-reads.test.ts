import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createClockStore } from '../../db/stores/clock-store.ts'
import { BOOK_DECIDED_AT, makeReadBook, numberOn } from '../support/read-book.ts'
import { runCommand } from '../support/read-commands.ts'
import { createApiRig, type ApiRig } from './api-rig.ts'

let rig: ApiRig
let keys: string[]

beforeAll(async () => {
  rig = await createApiRig()
  keys = await makeReadBook(rig.database.db)
  await createClockStore(rig.database.db).set({ now: BOOK_DECIDED_AT, speed: 0 })
})
afterAll(() => rig[Symbol.asyncDispose]())

type Item = Record<string, unknown>
type Listed = { readonly items: Item[]; readonly nextCursor: string | null }

async function get(path: string): Promise<Item> {
  const { status, body } = await rig.ask('GET', path)
  expect(status, JSON.stringify(body)).toBe(200)
  return body as Item
}

async function list(path: string): Promise<Listed> {
  return (await get(path)) as unknown as Listed
}

/** All items of a list, page by page. */
async function all(path: string, limit: number): Promise<Item[]> {
  const items: Item[] = []
  let cursor = ''
  for (let page = 0; page < 500; page += 1) {
    const join = path.includes('?') ? '&' : '?'
    const listed = await list(`${path}${join}limit=${limit}${cursor}`)
    items.push(...listed.items)
    if (listed.nextCursor === null) return items
    expect(listed.items).toHaveLength(limit)
    cursor = `&cursor=${listed.nextCursor}`
  }
  throw new Error('the list has no end')
}

const groundstop = (...words: string[]) => runCommand(rig.database.url, words)

const path = (base: string, name: string | undefined) =>
  `${base}/${encodeURIComponent(name ?? 'none')}`

async function numbersWhere(condition: ReturnType<typeof sql>): Promise<string[]> {
  const { rows } = await sql<{ number: string }>`
    select p.policy_number as number from policy p
    join flight_leg l on l.id = p.leg_id join product_version v on v.id = p.product_version_id
    where ${condition} order by p.policy_number`.execute(rig.database.db)
  return rows.map(({ number }) => number)
}

describe('lists', () => {
  it('of policies give every policy once, whatever the page', async () => {
    const numbers = (await all('/api/policies', 37)).map((item) => item['policyNumber'])
    expect(numbers).toEqual(await numbersWhere(sql`true`))
    expect(numbers).toHaveLength(400)
  })

  it.each([
    ['state=EXPIRED', sql`p.state = 'EXPIRED'`],
    ['state=IN_REVIEW', sql`p.state = 'IN_REVIEW'`],
    ['product=FD120', sql`v.code = 'FD120'`],
    ['outcome=PAY', sql`p.outcome = 'PAY'`],
    ['outcome=NONE', sql`p.outcome is null`],
    ['departureDate=2013-03-09&outcome=NO_PAY', sql`p.outcome = 'NO_PAY'`],
    ['legKey=B6%7C1003%7CJFK%7CPBI%7C2013-03-09', sql`l.flight_number = '1003'`],
    ['departureDate=2013-03-10', sql`false`],
  ])('of policies keep to %s', async (query, condition) => {
    const items = await all(`/api/policies?${query}`, 50)
    expect(items.map((item) => item['policyNumber'])).toEqual(await numbersWhere(condition))
  })

  it('of legs are by key within a day, and only watched ones on demand', async () => {
    const listed = await all('/api/legs', 7)
    expect(listed.map((item) => item['legKey'])).toEqual(keys)
    expect(await all('/api/legs?watched=true', 200)).toHaveLength(12)
    expect(await all('/api/legs?watched=false', 200)).toHaveLength(8)
    expect(await all('/api/legs?destination=LAX', 200)).toHaveLength(0)
  })

  it('of payouts give every payout once though many were made in one moment', async () => {
    const { rows } = await sql<{ id: string }>`select id from payout`.execute(rig.database.db)
    const ids = (await all('/api/payouts', 9)).map((item) => String(item['payoutId']))
    expect(ids.toSorted()).toEqual(rows.map(({ id }) => id).toSorted())
    expect(rows.length).toBeGreaterThan(40)
  })

  it('of reviews have the open before the resolved, and name what they are about', async () => {
    await sql`
      insert into review_case (id, subject_kind, subject_id, reason_code, state, opened_at, resolved_at)
      select groundstop_id('case'), 'policy', id, 'PAYEE', 'RESOLVED', '2013-01-01Z', '2013-01-02Z'
      from policy where policy_number = ${numberOn(9, 0)}`.execute(rig.database.db)
    const items = await all('/api/reviews', 1)
    expect(items).toMatchObject([
      { state: 'OPEN', reason: 'DELAY_RANGE', subject: { kind: 'leg', name: keys[7] } },
      { state: 'RESOLVED', reason: 'PAYEE', subject: { kind: 'policy', name: numberOn(9, 0) } },
    ])
    expect((await list('/api/reviews?reason=PAYEE')).items).toHaveLength(1)
    expect((await list('/api/reviews?subjectKind=payout')).items).toHaveLength(0)
  })

  it.each([
    ['/api/policies?limit=0', 'limit'],
    ['/api/policies?limit=201', 'limit'],
    ['/api/policies?state=PAYED', 'state'],
    ['/api/policies?colour=red', 'colour'],
    ['/api/policies?departureDate=2013-02-30', 'departureDate'],
    ['/api/policies?product=%00', 'product'],
    ['/api/policies?cursor=nonsense', 'cursor'],
    ['/api/legs?origin=jfk', 'origin'],
    ['/api/payouts?batchId=7', 'batchId'],
    ['/api/reviews?subjectId=7', 'subjectId'],
    ['/api/ledger/accounts?kind=POOL', 'kind'],
    ['/api/exposure', 'by'],
    ['/api/exposure?by=month', 'by'],
    ['/api/loss-ratio?by=day', 'by'],
  ])('refuse %s and name the field', async (query, field) => {
    const answer = await rig.ask('GET', query)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.body).toMatchObject({ errors: [{ path: field }] })
  })

  it('refuse a cursor that was made for another filter', async () => {
    const { nextCursor } = await list('/api/policies?outcome=PAY&limit=1')
    const answer = await rig.ask('GET', `/api/policies?outcome=NO_PAY&cursor=${nextCursor}`)
    expect(answer.body).toMatchObject({ errors: [{ message: 'made for another filter' }] })
  })

  it.each([
    ['legs', [['legs', {}], '2013-02-31', 'x', '1']],
    ['payouts', [['payouts', {}], '1', "' or true"]],
    ['reviews', [['reviews', {}], 'maybe', '1', '00000000-0000-0000-0000-000000000000']],
  ])('refuse a forged cursor of %s', async (name, [scope, ...key]) => {
    const cursor = Buffer.from(JSON.stringify([JSON.stringify(scope), ...key])).toString(
      'base64url',
    )
    expect((await rig.ask('GET', `/api/${name}?cursor=${cursor}`)).status).toBe(400)
  })

  it.each([
    '/api/legs/B6%7C1',
    '/api/legs/%00',
    '/api/payouts/7',
    '/api/payouts/00000000-0000-0000-0000-000000000000',
    '/api/policies/none/explanation',
    '/api/policies/none/evaluations',
  ])('know nothing at %s', async (missing) => {
    const answer = await rig.ask('GET', missing)
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({ type: 'urn:groundstop:problem:not-found' })
  })

  it('are read only', async () => {
    expect((await rig.ask('POST', '/api/legs')).headers.get('allow')).toBe('GET, HEAD')
  })
})

describe('one leg', () => {
  it('that arrived has its evidence, evaluations, incidents and no exposure', async () => {
    const leg = await get(path('/api/legs', keys[0]))
    expect(leg).toMatchObject({
      legKey: keys[0],
      policies: 20,
      undecidedPolicies: 0,
      exposure: [],
      polls: { nextPollAt: null },
      coverageIncidents: [{ phase: 'ARRIVAL', gapS: 5_000, closedAt: null }],
    })
    expect(leg['observations']).toMatchObject([{ provider: 'fake', seenCount: 2, flags: [] }])
    expect(leg['evaluations']).toHaveLength(3)
    expect(leg).toHaveProperty('facts.arrival.value', '2013-03-09T16:50:00.000Z')
  })

  it('in review is still exposed, by currency', async () => {
    const { exposure } = await get(path('/api/legs', keys[7]))
    expect(exposure).toEqual([
      { currency: 'EUR', sumInsuredMinor: '22800' },
      { currency: 'USD', sumInsuredMinor: '196200' },
    ])
  })

  it('says when it is polled next and why, and how long it may be silent', async () => {
    const polls = await get(`${path('/api/legs', keys[12])}/polls`)
    expect(polls).toMatchObject({ legKey: keys[12], reason: 'bound', silentS: null })
    expect(polls['text']).toMatch(/^due since 2013-03-09T\S+: bound, before departure$/)
    expect(polls['greatestGapS']).toBe((4 * 60 + 10) * 60)
    const done = await get(`${path('/api/legs', keys[0])}/polls`)
    expect(done['text']).toBe('not asked about any more: no policy waits for it')
  })
})

describe('one payout', () => {
  it('shows its policy, attempts and postings, not where the money goes', async () => {
    const [first] = (await list(`/api/payouts?policyNumber=${numberOn(6, 0)}`)).items
    const payout = await get(path('/api/payouts', String(first?.['payoutId'])))
    expect(payout).toMatchObject({
      state: 'PAID',
      amountMinor: 10_000,
      policy: { policyNumber: numberOn(6, 0), state: 'CLOSED', legKey: keys[6] },
      attempts: [{ n: 1, outcome: 'ACCEPTED', provider: 'stripe' }],
      batch: null,
    })
    expect(payout['postings']).toMatchObject([
      { kind: 'trigger' },
      { kind: 'submit' },
      { kind: 'paid', destination: 'external:holder', amountMinor: 10_000 },
    ])
    expect(JSON.stringify(payout)).not.toContain('acct_')
  })
})

describe('the ledger', () => {
  type Balance = { currency: string; balanceMinor: string }

  it('adds up to nothing over all accounts, page by page', async () => {
    const accounts = await all('/api/ledger/accounts', 101)
    const names = accounts.map((item) => String(item['account']))
    expect(new Set(names).size).toBe(names.length)
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from (select source from ledger_posting
        union select destination from ledger_posting) a`.execute(rig.database.db)
    expect(names).toHaveLength(rows[0]?.n ?? 0)
    const total = accounts
      .flatMap((item) => item['balances'] as Balance[])
      .reduce((sum, { balanceMinor }) => sum + BigInt(balanceMinor), 0n)
    expect(total).toBe(0n)
  })

  it('lists the accounts of one kind', async () => {
    const pools = await all('/api/ledger/accounts?kind=pool', 1)
    expect(pools.map((item) => item['account'])).toEqual(['pool:main:available'])
    expect(await all('/api/ledger/accounts?kind=escrow', 200)).toHaveLength(400)
    expect(await all('/api/ledger/accounts?kind=nothing', 200)).toHaveLength(0)
  })

  it('states an account line by line, each with what it held then', async () => {
    const url = `${path('/api/ledger/accounts', 'external:holder')}/statement`
    const lines = await all(url, 6)
    expect(lines.length).toBe(20)
    let held = new Map<string, bigint>()
    for (const line of lines.toReversed()) {
      const before = held.get(String(line['currency'])) ?? 0n
      held = held.set(String(line['currency']), before + BigInt(Number(line['amountMinor'])))
      expect(line['balanceMinor']).toBe(String(held.get(String(line['currency']))))
    }
    expect(await list(`${path('/api/ledger/accounts', 'nobody')}/statement`)).toEqual({
      items: [],
      nextCursor: null,
    })
  })

  it('shows what leaves an account as negative', async () => {
    const url = `${path('/api/ledger/accounts', 'payout:in_flight:stripe')}/statement?limit=2`
    const [out, before] = (await list(url)).items
    expect(Number(out?.['amountMinor'])).toBeLessThan(0)
    expect(before).toBeDefined()
    expect(out?.['counterparty']).toBe('external:holder')
  })
})

describe('figures', () => {
  it('expose undecided policies in force, reviews included', async () => {
    const { items } = await list('/api/exposure?by=origin')
    // Legs 7 to 17: eleven with 20 policies each; 18 was cancelled by its holders, 19 declined.
    expect(items).toEqual([
      { group: 'JFK', currency: 'EUR', policies: 22, legs: 11, sumInsuredMinor: '250800' },
      { group: 'JFK', currency: 'USD', policies: 198, legs: 11, sumInsuredMinor: '2158200' },
    ])
  })

  it.each(['day', 'destination', 'carrier', 'product'])('expose the same by %s', async (by) => {
    const { items } = await list(`/api/exposure?by=${by}`)
    const sum = items.reduce((total, item) => total + Number(item['sumInsuredMinor']), 0)
    expect(sum).toBe(2_409_000)
  })

  it.each(['product', 'carrier', 'month'])('give what decided policies cost by %s', async (by) => {
    const { items } = await list(`/api/loss-ratio?by=${by}`)
    const { rows } = await sql<{ paid: number; payable: number; insured: number }>`
      select (select sum(amount_minor)::bigint from payout where state = 'PAID') as paid,
        (select sum(amount_minor)::bigint from payout where state <> 'PAID') as payable,
        (select sum(sum_insured_minor)::bigint from policy where outcome is not null) as insured`.execute(
      rig.database.db,
    )
    const sum = (name: string) => items.reduce((total, item) => total + Number(item[name]), 0)
    expect({
      paid: sum('paidMinor'),
      payable: sum('payableMinor'),
      insured: sum('sumInsuredMinor'),
    }).toEqual(rows[0])
  })

  it('compare losses with premiums only where there are premiums', async () => {
    const { items } = await list('/api/loss-ratio?by=carrier')
    const [eur, usd] = items
    // Every policy in euros is an odd one, and those have no premium.
    expect(eur).toMatchObject({ currency: 'EUR', premiumMinor: null, overPremium: null })
    expect(usd).toMatchObject({ currency: 'USD', premiumMinor: String(7 * 10 * 750) })
    expect(usd?.['overPremium']).toMatch(/^\d+\.\d{4}$/)
    expect(Number(usd?.['overSumInsured'])).toBeLessThan(1)
  })
})

describe('an explanation', () => {
  it.each([
    [2, 0, { outcome: 'NOT_PAID', delayMin: 44, rule: { isMet: false, marginMin: 1 } }],
    [3, 0, { outcome: 'TO_BE_PAID', delayMin: 45, rule: { isMet: true, marginMin: 0 } }],
    [6, 1, { outcome: 'PAID', delayMin: 180, sources: ['fake'] }],
    [7, 0, { outcome: 'IN_REVIEW', rule: null }],
    [10, 0, { outcome: 'OPEN', actualArrival: null }],
    [19, 0, { outcome: 'NO_COVER' }],
  ])('of a policy of leg %i, %i', async (leg, i, expected) => {
    const number = numberOn(leg, i)
    const explanation = await get(`/api/policies/${number}/explanation`)
    expect(explanation).toMatchObject({ policyNumber: number, ...expected })
    const { out } = await groundstop('policies', 'explain', number)
    expect(out).toBe(`${(explanation['text'] as string[]).join('\n\n')}\n`)
  })
})

describe('the command line', () => {
  it('prints as JSON what the API answers', async () => {
    const [payout] = (await list('/api/payouts?limit=1')).items
    const payoutId = String(payout?.['payoutId'])
    const [key = ''] = keys
    const pairs: readonly (readonly [url: string, ...words: string[]])[] = [
      ['/api/policies?outcome=PAY&limit=3', 'policies', 'list', '--outcome', 'PAY', '--limit', '3'],
      [`/api/policies/${numberOn(3, 0)}`, 'policies', 'show', numberOn(3, 0)],
      [`/api/policies/${numberOn(3, 0)}/explanation`, 'policies', 'explain', numberOn(3, 0)],
      [`/api/policies/${numberOn(3, 0)}/evaluations`, 'policies', 'evaluations', numberOn(3, 0)],
      ['/api/legs?watched=true', 'legs', 'list', '--watched'],
      [path('/api/legs', key), 'legs', 'show', key],
      [`${path('/api/legs', key)}/polls`, 'polls', 'explain', key],
      ['/api/payouts?state=PAID', 'payouts', 'list', '--state', 'PAID'],
      [`/api/payouts/${payoutId}`, 'payouts', 'show', payoutId],
      ['/api/reviews', 'reviews', 'list'],
      ['/api/ledger/accounts?kind=pool', 'ledger', 'accounts', '--kind', 'pool'],
      ['/api/ledger/accounts/external:holder/statement', 'ledger', 'statement', 'external:holder'],
      ['/api/exposure?by=product', 'exposure', '--by', 'product'],
      ['/api/loss-ratio?by=month', 'loss-ratio', '--by', 'month'],
    ]
    for (const [url, ...words] of pairs) {
      const asJson = await groundstop(...words, '--json')
      expect(asJson.error, words.join(' ')).toBeNull()
      expect(JSON.parse(asJson.out), words.join(' ')).toEqual(await get(url))
      const asText = await groundstop(...words)
      expect(asText.out.trim().split('\n').length, words.join(' ')).toBeGreaterThan(1)
    }
  })

  it('prints tables with amounts in major units, and how to go on', async () => {
    const { out } = await groundstop('policies', 'list', '--limit', '1')
    expect(out).toMatch(
      /^policy +product +state +outcome +leg +sum insured +pays\nR-00-00 +FD45 +EXPIRED +NO_PAY +B6\|1000\|JFK\|PBI\|2013-03-09 +100\.00 USD +0\.00 USD\n\nmore: --cursor \S+\n$/,
    )
  })

  it('fails with a readable reason when there is nothing, and on bad options', async () => {
    const none = await groundstop('policies', 'show', 'none')
    expect(none.error).toMatchObject({ name: 'CliError', message: 'there is no policy none' })
    const cursor = await groundstop('payouts', 'list', '--cursor', 'x')
    expect(cursor.error).toMatchObject({ name: 'CliError', exitCode: 2 })
    for (const words of [
      ['policies', 'list', '--limit', '201'],
      ['policies', 'list', '--departure', '2013-02-30'],
      ['exposure', '--by', 'month'],
    ]) {
      expect((await groundstop(...words)).error, words.join(' ')).toMatchObject({
        name: 'CommanderError',
      })
    }
  })
})
