/** The kill switch of payouts over HTTP. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { PayoutPause, PauseChange } from '../../domain/payout-controls.ts'
import type { PayoutControls } from '../../domain/ports/payout-control-store.ts'
import { UnknownProductError } from '../../operations/control-payouts.ts'
import { noteText } from '../contract.ts'
import { onceByKey } from '../idempotency.ts'
import { invalidRequest, parseInput } from '../problem.ts'
import { addRoute, jsonBody } from '../routes.ts'
import { objectShape } from '../shapes.ts'

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

const changeBody = z.strictObject(
  {
    by: noteText,
    reason: noteText,
    product: z.string('a product code, as FD45').min(1).optional(),
  },
  'a JSON object',
)

const changed = z.strictObject({
  pause: z.strictObject({ all: z.boolean(), products: z.array(z.string()) }),
  changed: z.boolean(),
})

/**
 * `GET /api/payouts/controls` -> what holds payouts. `POST .../pause` and `.../resume` with
 * `{by, reason, product?}` -> `{pause, changed}`.
 */
export function addPayoutControlRoutes(app: Express, deps: PayoutControlDeps): void {
  addRoute(
    app,
    CONTROLS_PATH,
    {
      get: async (_request, response) => {
        response.set('cache-control', 'no-store').json(await deps.payoutControls.read())
      },
    },
    {
      get: {
        summary: 'What holds payouts',
        permission: 'payouts.stop',
        answers: { 200: objectShape },
      },
    },
  )
  for (const action of ['pause', 'resume'] as const) {
    addRoute(
      app,
      `${CONTROLS_PATH}/${action}`,
      {
        post: [
          ...jsonBody(),
          async (request, response) => {
            const { status, body } = await change(deps, action, request)
            response.status(status).json(body)
          },
        ],
      },
      {
        post: {
          summary: `${action === 'pause' ? 'Pause' : 'Resume'} payouts, all or a product's`,
          permission: 'payouts.stop',
          body: changeBody,
          isKeyed: true,
          answers: { 200: changed },
        },
      },
    )
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
