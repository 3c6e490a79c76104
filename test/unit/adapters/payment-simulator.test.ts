/** The local payment server's own promises, asked over HTTP as anybody would. */
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBook } from '../../../simulator/payments/book.ts'
import { openMoneyLog, readMoneyLog } from '../../../simulator/payments/money-log.ts'
import { createPaymentFaults } from '../../../simulator/payments/payment-faults.ts'
import { startPaymentServer } from '../../../simulator/payments/payment-server.ts'
import { handClock, LOOPBACK, startPayments, transfer } from './fixtures.ts'

const NOON = '2013-02-09T12:00:00Z'

type Sent = { status: number; body: string; headers: Headers }

async function post(
  url: string,
  form: Record<string, string>,
  key: string | null = null,
): Promise<Sent> {
  const response = await fetch(`${url}/v1/transfers`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_1', ...(key === null ? {} : { 'idempotency-key': key }) },
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

async function get(url: string, path: string): Promise<{ status: number; json: unknown }> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: 'Bearer sk_1' } })
  return { status: response.status, json: await response.json() }
}

const FORM = { amount: '100', currency: 'usd', destination: 'acct_1', transfer_group: 'g1' }

describe('idempotency', () => {
  test('the same key and form is answered from store, byte by byte', async () => {
    await using rig = await startPayments()
    const first = await post(rig.url, FORM, 'k1')
    const second = await post(rig.url, FORM, 'k1')
    expect(second.body).toBe(first.body)
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(second.headers.get('idempotent-replayed')).toBe('true')
    expect(rig.book.summary().count).toBe(1)
  })

  test('the order of the form’s fields does not matter', async () => {
    await using rig = await startPayments()
    await post(rig.url, FORM, 'k1')
    const reversed = Object.fromEntries(Object.entries(FORM).toReversed())
    expect((await post(rig.url, reversed, 'k1')).status).toBe(200)
    expect(rig.book.summary().count).toBe(1)
  })

  test('the same key with another form is an idempotency error and moves nothing', async () => {
    await using rig = await startPayments()
    await post(rig.url, FORM, 'k1')
    const other = await post(rig.url, { ...FORM, amount: '101' }, 'k1')
    expect(other.status).toBe(400)
    expect(other.body).toContain('idempotency_error')
    expect(rig.book.summary().count).toBe(1)
  })

  test('of many requests with one key at once one moves money, the others wait or conflict', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { latency: { ms: 50 } } })
    const sent = await Promise.all(Array.from({ length: 20 }, () => post(rig.url, FORM, 'k1')))
    const statuses = sent.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1)
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true)
    expect(rig.book.summary().count).toBe(1)
  })

  test('without a key every request moves money', async () => {
    await using rig = await startPayments()
    await post(rig.url, FORM)
    await post(rig.url, FORM)
    expect(rig.book.summary()).toEqual({
      count: 2,
      sums: { usd: 200 },
      doubles: [{ group: 'g1', count: 2, amount: 200 }],
    })
  })

  test('a key is remembered at 23:59:59', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    await post(rig.url, FORM, 'k1')
    clock.set('2013-02-10T11:59:59Z')
    expect((await post(rig.url, FORM, 'k1')).headers.get('idempotent-replayed')).toBe('true')
  })

  test('a key is forgotten at 24:00:00, and the money moves again', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    await post(rig.url, FORM, 'k1')
    clock.set('2013-02-10T12:00:00Z')
    expect((await post(rig.url, FORM, 'k1')).headers.get('idempotent-replayed')).toBeNull()
    expect(rig.book.summary().count).toBe(2)
  })

  test('what fails validation is not stored: the key is free for the right form', async () => {
    await using rig = await startPayments()
    expect((await post(rig.url, { ...FORM, amount: '-1' }, 'k1')).status).toBe(400)
    expect((await post(rig.url, FORM, 'k1')).status).toBe(200)
  })

  test('a 500 is stored and replayed, and nothing moved', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { stored500: { times: 1 } } })
    expect((await post(rig.url, FORM, 'k1')).status).toBe(500)
    const again = await post(rig.url, FORM, 'k1')
    expect(again.status).toBe(500)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(rig.book.summary().count).toBe(0)
  })

  test('a lost answer has moved the money, and its key replays it', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { lostResponse: {} } })
    await expect(post(rig.url, FORM, 'k1')).rejects.toThrow()
    expect(rig.book.summary().count).toBe(1)
    const again = await post(rig.url, FORM, 'k1')
    expect(again.status).toBe(200)
    expect(rig.book.summary().count).toBe(1)
  })
})

describe('validation', () => {
  test.each([
    ['amount', { ...FORM, amount: '' }],
    ['amount', { ...FORM, amount: '1.5' }],
    ['amount', { ...FORM, amount: '0' }],
    ['amount', { ...FORM, amount: '9007199254740992' }],
    ['currency', { ...FORM, currency: '' }],
    ['currency', { ...FORM, currency: 'dollar' }],
    ['destination', { ...FORM, destination: '' }],
    ['destination', { ...FORM, destination: 'acct_invalid_7' }],
    ['amout', { ...FORM, amout: '1' }],
  ])('a bad %s is a 400 that names it', async (param, form) => {
    await using rig = await startPayments()
    const { status, body } = await post(rig.url, form)
    expect(status).toBe(400)
    expect(JSON.parse(body)).toMatchObject({ error: { type: 'invalid_request_error', param } })
    expect(rig.book.summary().count).toBe(0)
  })

  test.each([undefined, 'Bearer ', 'Bearer sk_invalid', 'Digest sk_1'])(
    'authorization %s is a 401',
    async (authorization) => {
      await using rig = await startPayments()
      const headers = authorization === undefined ? {} : { authorization }
      const response = await fetch(`${rig.url}/v1/balance`, { headers })
      expect(response.status).toBe(401)
    },
  )

  test('a key as basic user name is good too', async () => {
    await using rig = await startPayments()
    const authorization = `Basic ${Buffer.from('sk_1:').toString('base64')}`
    const response = await fetch(`${rig.url}/v1/balance`, { headers: { authorization } })
    expect(await response.json()).toMatchObject({
      object: 'balance',
      available: [{ currency: 'usd' }],
    })
  })
})

describe('lists', () => {
  test('newest first, page after page, each once', async () => {
    await using rig = await startPayments()
    for (let n = 1; n <= 5; n += 1) await post(rig.url, { ...FORM, amount: String(n) })
    const seen: number[] = []
    let after = ''
    for (let hasMore = true; hasMore;) {
      const { json } = await get(rig.url, `/v1/transfers?limit=2${after}`)
      const page = json as { has_more: boolean; data: { id: string; amount: number }[] }
      seen.push(...page.data.map(({ amount }) => amount))
      after = `&starting_after=${page.data.at(-1)?.id}`
      hasMore = page.has_more
    }
    expect(seen).toEqual([5, 4, 3, 2, 1])
  })

  test('by group, destination and time', async () => {
    const clock = handClock(NOON)
    await using rig = await startPayments({ clock })
    await post(rig.url, FORM)
    clock.set('2013-02-09T13:00:00Z')
    await post(rig.url, { ...FORM, destination: 'acct_2', transfer_group: 'g2' })
    const countOf = async (query: string) => {
      const { json } = await get(rig.url, `/v1/transfers?${query}`)
      return (json as { data: unknown[] }).data.length
    }
    const second = Date.parse('2013-02-09T13:00:00Z') / 1_000
    expect(await countOf('transfer_group=g1')).toBe(1)
    expect(await countOf('transfer_group=none')).toBe(0)
    expect(await countOf('destination=acct_2')).toBe(1)
    expect(await countOf(`created[gte]=${second}`)).toBe(1)
    expect(await countOf(`created[gt]=${second}`)).toBe(0)
  })

  test('a transfer is found by its id; an unknown one is a 404', async () => {
    await using rig = await startPayments()
    const { body } = await post(rig.url, FORM)
    const { id } = JSON.parse(body) as { id: string }
    expect(await get(rig.url, `/v1/transfers/${id}`)).toMatchObject({ status: 200, json: { id } })
    expect(await get(rig.url, '/v1/transfers/tr_none')).toMatchObject({ status: 404 })
  })
})

describe('the log', () => {
  let folder: string
  let file: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'groundstop-money-'))
    file = join(folder, 'money.jsonl')
  })
  afterEach(() => rm(folder, { recursive: true }))

  /** The server over the log file, as after a start. */
  async function start() {
    const book = createBook(await readMoneyLog(file))
    const log = await openMoneyLog(file)
    const deps = { book, log, clock: handClock(NOON), faults: createPaymentFaults(1) }
    const server = await startPaymentServer(deps, LOOPBACK)
    return {
      url: server.url,
      book,
      faults: deps.faults,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        await log[Symbol.asyncDispose]()
      },
    }
  }

  test('a restart keeps transfers, keys and stored refusals', async () => {
    let first: Sent
    {
      await using rig = await start()
      first = await post(rig.url, FORM, 'k1')
      rig.faults.set({ faults: { stored500: {} } })
      await post(rig.url, FORM, 'k2')
    }
    await using rig = await start()
    expect(rig.book.summary().count).toBe(1)
    expect((await post(rig.url, FORM, 'k1')).body).toBe(first.body)
    expect((await post(rig.url, FORM, 'k2')).status).toBe(500)
    expect(rig.book.summary().count).toBe(1)
  })

  test('ids go on after a restart', async () => {
    {
      await using rig = await start()
      await post(rig.url, FORM)
    }
    await using rig = await start()
    await post(rig.url, FORM)
    expect(new Set(rig.book.transfers.map(({ id }) => id)).size).toBe(2)
  })

  test('every answered transfer is on the log before its answer', async () => {
    await using rig = await start()
    const answered = await Promise.all(
      Array.from({ length: 50 }, (_, n) => post(rig.url, FORM, `k${n}`)),
    )
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    expect(answered.every(({ status }) => status === 200)).toBe(true)
    expect(lines).toHaveLength(50)
  })

  test('half a line from a crash is cut off, and the next line is whole', async () => {
    {
      await using rig = await start()
      await post(rig.url, FORM, 'k1')
    }
    await appendFile(file, '{"kind":"transfer","tra')
    {
      await using rig = await start()
      expect(rig.book.summary().count).toBe(1)
      await post(rig.url, FORM, 'k2')
    }
    await using rig = await start()
    expect(rig.book.summary().count).toBe(2)
  })
})

describe('fault switches', () => {
  test('are set, shown and cleared over HTTP', async () => {
    await using rig = await startPayments()
    const call = async (method: string, body?: string) => {
      const init = body === undefined ? { method } : { method, body }
      const response = await fetch(`${rig.url}/__faults`, init)
      return { status: response.status, text: await response.text() }
    }
    expect((await call('POST', '{"seed":3,"faults":{"429":{"rate":1}}}')).status).toBe(200)
    expect(await post(rig.url, FORM)).toMatchObject({ status: 429 })
    expect((await call('GET')).text).toContain('"429"')
    await call('DELETE')
    expect(await post(rig.url, FORM)).toMatchObject({ status: 200 })
  })

  test.each([
    ['an unknown switch', '{"faults":{"nonsense":{}}}', 'nonsense'],
    ['a rate above one', '{"faults":{"429":{"rate":2}}}', 'rate'],
    ['no JSON', '{', 'JSON'],
  ])('%s is a 400 that names the field', async (_, body, name) => {
    await using rig = await startPayments()
    const response = await fetch(`${rig.url}/__faults`, { method: 'POST', body })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain(name)
  })

  test('a rate hits its share of subjects, the same ones again with the same seed', () => {
    const plan = createPaymentFaults(1)
    plan.set({ seed: 5, faults: { '500': { rate: 0.3 } } })
    const draw = () => Array.from({ length: 2_000 }, (_, n) => plan.hits('500', `po_${n}`) !== null)
    const first = draw()
    expect(draw()).toEqual(first)
    const share = first.filter(Boolean).length / first.length
    expect(share).toBeGreaterThan(0.25)
    expect(share).toBeLessThan(0.35)
  })

  test('with `times` a subject answers well afterwards', async () => {
    await using rig = await startPayments()
    rig.faults.set({ faults: { '500': { times: 2 } } })
    const kinds: string[] = []
    for (let n = 0; n < 3; n += 1) {
      kinds.push((await rig.payments.createTransfer(transfer('p1'))).kind)
    }
    expect(kinds).toEqual(['unknown', 'unknown', 'accepted'])
  })
})
