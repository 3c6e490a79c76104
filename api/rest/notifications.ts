/** Notifications over HTTP: list, show one with its words, send again, take out of the queue. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import {
  NOTIFICATION_CHANNELS,
  NOTIFICATION_TRANSITIONS,
  TEMPLATE_VERSIONS,
} from '../../domain/notification.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { NotificationControlStore } from '../../domain/ports/notification-control-store.ts'
import type { NotificationReads } from '../../domain/ports/notification-reads.ts'
import type { ShownNotification } from '../../operations/show-notification.ts'
import { noteText } from '../contract.ts'
import { onceByKey } from '../idempotency.ts'
import { parseInput, ProblemError } from '../problem.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { objectShape, pageShape } from '../shapes.ts'
import { found, lookFor, notFound, pageFields, pageOrProblem } from './read-query.ts'

/** What the routes need. */
export type NotificationsDeps = {
  readonly notifications: Pick<NotificationReads, 'list'> &
    NotificationControlStore & {
      show(notificationId: string): Promise<ShownNotification | null>
    }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/notifications'
const WHAT = 'notification'

const listQuery = z.strictObject({
  ...pageFields,
  state: z.enum(Object.keys(NOTIFICATION_TRANSITIONS)).optional(),
  channel: z.enum(NOTIFICATION_CHANNELS).optional(),
  template: z.enum(Object.keys(TEMPLATE_VERSIONS)).optional(),
  audience: z.enum(['holder', 'operator']).optional(),
  policyNumber: lookFor(64).optional(),
})

const noQuery = z.strictObject({})

/** Who asks for a change, and why. */
export const noteBody = z.strictObject({ by: noteText, reason: noteText }, 'a JSON object')

const LIST: Contracts = {
  get: {
    summary: 'Notifications, the newest first',
    permission: 'book.read',
    isForTenants: true,
    query: listQuery,
    answers: { 200: pageShape() },
  },
}
const ONE: Contracts = {
  get: {
    summary: 'A notification with its words',
    permission: 'holders.serve',
    isForTenants: true,
    query: noQuery,
    answers: { 200: objectShape },
  },
}
const sent = z.strictObject({ notificationId: z.guid() })
const CONTROL: Contracts = {
  post: {
    summary: 'Send a notification again, or take it out of the queue',
    permission: 'holders.serve',
    isForTenants: true,
    body: noteBody,
    isKeyed: true,
    answers: { 200: sent, 201: sent },
  },
}

/** `GET /api/notifications`, `GET .../:id`, `POST .../:id/resend` and `/suppress` with `{by, reason}`. */
export function addNotificationRoutes(app: Express, deps: NotificationsDeps): void {
  addRoute(
    app,
    PATH,
    {
      get: async (request, response) => {
        const { limit, cursor, ...filter } = parseInput(listQuery, request.query, 'query')
        response.json(await pageOrProblem(deps.notifications.list(filter, { limit, cursor })))
      },
    },
    LIST,
  )
  addRoute(
    app,
    `${PATH}/:notificationId`,
    {
      get: async (request, response) => {
        parseInput(noQuery, request.query, 'query')
        const shown = await deps.notifications.show(idOf(request))
        // It may greet by name: nobody between us and the reader keeps it.
        response.set('cache-control', 'no-store').json(found(shown, WHAT))
      },
    },
    ONE,
  )
  for (const action of ['resend', 'suppress'] as const) {
    addRoute(
      app,
      `${PATH}/:notificationId/${action}`,
      {
        post: [
          ...jsonBody(),
          async (request, response) => {
            const { status, body } = await control(deps, action, request)
            response.status(status).json(body)
          },
        ],
      },
      CONTROL,
    )
  }
}

function idOf(request: Request): string {
  const id = z.guid().toLowerCase().safeParse(request.params['notificationId'])
  if (!id.success) throw notFound(WHAT)
  return id.data
}

async function control(deps: NotificationsDeps, action: 'resend' | 'suppress', request: Request) {
  const id = idOf(request)
  const body: unknown = request.body
  const note = parseInput(noteBody, body, 'body')
  const scope = `POST ${PATH}/${id}/${action}`
  return onceByKey(deps.idempotency, request, { scope, body }, async () => {
    const outcome = await deps.notifications[action](id, note)
    switch (outcome.kind) {
      case 'not-found':
        throw notFound(WHAT)
      case 'conflict':
        throw new ProblemError(409, 'conflict', conflictText(action, outcome.state))
      case 'done':
        return {
          status: action === 'resend' ? 201 : 200,
          body: { notificationId: outcome.notificationId },
        }
    }
  })
}

function conflictText(action: 'resend' | 'suppress', state: string): string {
  return action === 'resend'
    ? 'it is still queued and will be sent: there is nothing to send again'
    : `it is ${state}: only what is queued can be suppressed`
}
