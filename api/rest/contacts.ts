/** Holders' contact details over HTTP: written and erased, never read back. */
import type { Express, Request } from 'express'
import { z } from 'zod'

import { CONTACT_COLUMNS } from '../../domain/contact.ts'
import {
  CONTACTS_PER_SAVE,
  type ContactSaver,
  type ContactStore,
} from '../../domain/ports/contact-store.ts'
import type { IdempotencyStore } from '../../domain/ports/idempotency-store.ts'
import type { ImportedContacts, PlacedContactRow } from '../../operations/import-contacts.ts'
import { callerOf } from '../caller.ts'
import { onceByKey, type StoredAnswer } from '../idempotency.ts'
import { invalidRequest, parseInput, type FieldError } from '../problem.ts'
import { addRoute, jsonBody, type Contracts } from '../routes.ts'
import { objectShape } from '../shapes.ts'
import { noteBody } from './notifications.ts'
import { notFound, pathText } from './read-query.ts'

/** What the routes need. */
export type ContactsDeps = {
  readonly contacts: Pick<ContactStore, 'erase'> & {
    import(rows: readonly PlacedContactRow[], from: ContactSaver): Promise<ImportedContacts>
  }
  readonly idempotency: IdempotencyStore
}

const PATH = '/api/contacts'

const COLUMNS = new Set<string>(CONTACT_COLUMNS)

const contactsBody = z.strictObject(
  {
    contacts: z
      .array(z.record(z.string(), z.unknown(), 'a JSON object'), 'a list of contacts')
      .min(1)
      .max(CONTACTS_PER_SAVE, `at most ${CONTACTS_PER_SAVE} contacts in one request`),
  },
  'a JSON object with contacts',
)

const SAVE: Contracts = {
  post: {
    summary: "Save holders' contact details",
    permission: 'holders.serve',
    isForTenants: true,
    body: contactsBody,
    isKeyed: true,
    answers: { 200: objectShape, 207: objectShape },
  },
}
const ERASE: Contracts = {
  post: {
    summary: "Erase a holder's contact details",
    permission: 'holders.serve',
    isForTenants: true,
    body: noteBody,
    isKeyed: true,
    answers: { 200: z.strictObject({ erased: z.literal(true) }) },
  },
}

/** `POST /api/contacts` with `{contacts: [...]}`, `POST /api/contacts/:holderRef/erase` with `{by, reason}`. */
export function addContactRoutes(app: Express, deps: ContactsDeps): void {
  addRoute(
    app,
    PATH,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const body: unknown = request.body
          const { contacts } = parseInput(contactsBody, body, 'body')
          const answer = await onceByKey(
            deps.idempotency,
            request,
            { scope: `POST ${PATH}`, body },
            () => save(deps, contacts, callerOf(response).name),
          )
          response.status(answer.status).json(answer.body)
        },
      ],
    },
    SAVE,
  )
  addRoute(
    app,
    `${PATH}/:holderRef/erase`,
    {
      post: [
        ...jsonBody(),
        async (request, response) => {
          const { status, body } = await erase(deps, request)
          response.status(status).json(body)
        },
      ],
    },
    ERASE,
  )
}

async function save(
  deps: ContactsDeps,
  contacts: readonly Record<string, unknown>[],
  by: string,
): Promise<StoredAnswer> {
  const errors: FieldError[] = contacts.flatMap((row, i) =>
    Object.keys(row)
      .filter((field) => !COLUMNS.has(field))
      .map((field) => ({ path: `contacts.${i}.${field}`, message: 'no such field' })),
  )
  // All or none: a caller that mistypes a field name must not find half of its contacts changed.
  if (errors.length > 0) throw invalidRequest(errors)
  const report = await deps.contacts.import(
    contacts.map((row, line) => ({ line, row })),
    { by },
  )
  const rejected = report.rejected.map(({ line, field, reason }) => ({
    path: `contacts.${line}.${field}`,
    message: reason,
  }))
  const refused = new Set(report.rejected.map(({ line }) => line)).size
  if (refused === contacts.length) throw invalidRequest(rejected)
  const { created, changed, unchanged } = report
  const counts = { total: contacts.length, created, changed, unchanged, rejected: refused }
  return { status: refused > 0 ? 207 : 200, body: { ...counts, errors: rejected } }
}

async function erase(deps: ContactsDeps, request: Request): Promise<StoredAnswer> {
  const holderRef = pathText(request, 'holderRef', 'contact')
  const body: unknown = request.body
  const note = parseInput(noteBody, body, 'body')
  const scope = `POST ${PATH}/${holderRef}/erase`
  return onceByKey(deps.idempotency, request, { scope, body }, async () => {
    if (!(await deps.contacts.erase(holderRef, note))) throw notFound('contact')
    return { status: 200, body: { erased: true } }
  })
}
