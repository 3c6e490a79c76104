/** The kill switch of payouts over HTTP. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { PayoutPause, PauseChange } from '../../domain/payout-controls.ts'
import type { PayoutControls } from '../../domain/ports/payout-control-store.ts'
import { UnknownProductError } from '../../operations/control-payouts.ts'
import { onceByKey } from '../idempotency.ts'
import { invalidRequest, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'

/** What the routes need. */
export type PayoutControlDeps = {
  readonly payoutControls: {
    read(): Promise<PayoutControls>
    /** Throws UnknownProductError. */
    change(
      change: PauseChange & { readonly by: string; readonly reason: string },
    ): Promise<{ readonly after: PayoutPause; readonly isChanged: boolean }>
  }
  readonly idempotency: IdempotencyStore
}

const CONTROLS_PATH = '/api/payouts/controls'

/** As the updates of payout runs have it. */
const TEXT_LIMIT = 200

const text = z.string(`1 to ${TEXT_LIMIT} characters`).trim().min(1).max(TEXT_LIMIT)

const changeBody = z.strictObject(
  { by: text, reason: text, product: z.string('a product code, as FD45').min(1).optional() },
  'a JSON object',
)

/**
 * `GET /api/payouts/controls` -> what holds payouts. `POST .../pause` and `.../resume` with
 * `{by, reason, product?}` -> `{pause, changed}`.
 */
export function addPayoutControlRoutes(app: Express, deps: PayoutControlDeps): void {
  addRoute(app, CONTROLS_PATH, {
    get: async (_request, response) => {
      response.set('cache-control', 'no-store').json(await deps.payoutControls.read())
    },
  })
  for (const action of ['pause', 'resume'] as const) {
    addRoute(app, `${CONTROLS_PATH}/${action}`, {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const { status, body } = await change(deps, action, request)
          response.status(status).json(body)
        },
      ],
    })
  }
}

async function change(deps: PayoutControlDeps, action: PauseChange['action'], request: Request) {
  const body: unknown = request.body
  const { by, reason, product } = parseInput(changeBody, body, 'body')
  const named = product === undefined ? {} : { product }
  const scope = `POST ${CONTROLS_PATH}/${action}`
  return onceByKey(deps.idempotency, request, { scope, body }, async () => {
    try {
      const changed = await deps.payoutControls.change({ action, by, reason, ...named })
      return { status: 200, body: { pause: changed.after, changed: changed.isChanged } }
    } catch (error) {
      if (!(error instanceof UnknownProductError)) throw error
      throw invalidRequest([{ path: 'product', message: error.message }])
    }
  })
}
