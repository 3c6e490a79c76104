/**
 * A payment server in the Stripe v1 dialect that shares nothing with the product or its own local
 * servers: moves money once per key and keeps a record of what it moved.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type PaymentsDialect = {
  readonly prefix: string
  /** Every third transfer is refused with 429, without Retry-After, the first time. */
  readonly throttles: boolean
  /** Every fifth answer is lost after the money has moved. */
  readonly losesAnswers: boolean
  /** Answers leave the group out and write the currency in upper case. */
  readonly isTerse: boolean
  /** Lists do not say whether they go on. */
  readonly hidesMore: boolean
  readonly closesConnections: boolean
}

/** The dialect as it is documented. */
export const DOCUMENTED_PAYMENTS: PaymentsDialect = {
  prefix: '',
  throttles: false,
  losesAnswers: false,
  isTerse: false,
  hidesMore: false,
  closesConnections: false,
}

/** Transfers to this account are refused: 402 card_error. */
export const BAD_PAYEE = 'acct_refused'

type Reply = { readonly status: number; readonly body: unknown }

type Moved = {
  readonly id: string
  readonly amount: number
  readonly currency: string
  readonly destination: string
  readonly transfer_group: string | null
  readonly metadata: Record<string, string>
}

export type ForeignPayments = AsyncDisposable & {
  readonly url: string
  /** The money moved, in order. */
  readonly moved: Moved[]
}

/** Starts the server on a free port. */
export async function startForeignPayments(
  dialect: PaymentsDialect,
  key: string,
): Promise<ForeignPayments> {
  const moved: Moved[] = []
  const byKey = new Map<string, { form: string; transfer: Moved }>()
  const throttled = new Set<string>()
  let posts = 0

  const post = (form: string, idempotencyKey: string): Reply => {
    posts += 1
    if (dialect.throttles && posts % 3 === 0 && !throttled.has(idempotencyKey)) {
      throttled.add(idempotencyKey)
      return refusal(429, 'invalid_request_error', 'rate_limit')
    }
    const known = byKey.get(idempotencyKey)
    if (known !== undefined) {
      if (known.form !== form) return refusal(400, 'idempotency_error', null)
      return { status: 200, body: rendered(known.transfer, dialect) }
    }
    const fields = new URLSearchParams(form)
    if (fields.get('destination') === BAD_PAYEE) return refusal(402, 'card_error', 'card_declined')
    const metadata: Record<string, string> = {}
    for (const [name, value] of fields) {
      const inner = /^metadata\[(.+)\]$/.exec(name)?.[1]
      if (inner !== undefined) metadata[inner] = value
    }
    const transfer: Moved = {
      id: `tr_foreign${moved.length + 1}`,
      amount: Number(fields.get('amount')),
      currency: fields.get('currency') ?? '',
      destination: fields.get('destination') ?? '',
      transfer_group: fields.get('transfer_group'),
      metadata,
    }
    moved.push(transfer)
    byKey.set(idempotencyKey, { form, transfer })
    const isLost = dialect.losesAnswers && moved.length % 5 === 0
    return { status: isLost ? 0 : 200, body: rendered(transfer, dialect) }
  }

  const list = (query: URLSearchParams): Reply => {
    const group = query.get('transfer_group')
    const all = moved.filter((one) => group === null || one.transfer_group === group).toReversed()
    const after = query.get('starting_after')
    const from = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1
    const limit = Number(query.get('limit') ?? 10)
    const data = all
      .slice(from, from + limit)
      .map((one) => rendered(one, { ...dialect, isTerse: false }))
    const more = dialect.hidesMore ? {} : { has_more: from + limit < all.length }
    return { status: 200, body: { object: 'list', url: '/v1/transfers', data, ...more } }
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let form = ''
    for await (const chunk of request) form += String(chunk)
    const url = new URL(request.url ?? '/', 'http://here')
    const isTransfers = url.pathname === `${dialect.prefix}/v1/transfers`
    const { authorization, 'idempotency-key': idempotencyKey } = request.headers
    let reply = refusal(404, 'invalid_request_error', 'resource_missing')
    if (authorization !== `Bearer ${key}`) reply = refusal(401, 'invalid_request_error', null)
    else if (isTransfers && request.method === 'POST') reply = post(form, String(idempotencyKey))
    else if (isTransfers) reply = list(url.searchParams)
    if (reply.status === 0) {
      request.socket.destroy()
      return
    }
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      ...(dialect.closesConnections ? { connection: 'close' } : {}),
    })
    response.end(JSON.stringify(reply.body))
  }

  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}${dialect.prefix}`,
    moved,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refusal(status: number, type: string, code: string | null): Reply {
  return { status, body: { error: { type, ...(code === null ? {} : { code }), message: type } } }
}

function rendered(transfer: Moved, { isTerse }: PaymentsDialect): Record<string, unknown> {
  const { transfer_group: group, ...rest } = transfer
  return {
    ...rest,
    ...(isTerse ? { currency: transfer.currency.toUpperCase() } : { transfer_group: group }),
    object: 'transfer',
    created: 1_360_500_000,
    livemode: false,
    reversed: false,
    amount_reversed: 0,
    balance_transaction: 'txn_1',
    reversals: { object: 'list', data: [], has_more: false, url: '/x' },
    some_later_field: { nested: [1, 2, 3] },
  }
}
