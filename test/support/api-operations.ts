/** The operations of the OpenAPI document, as fuzzes ask them. */
import { openApiDocument } from '../../api/openapi.ts'
import { productRoutes } from '../../scripts/generate-roles-doc.ts'
import type { JsonSchema } from './schema-arbitrary.ts'

/** A part of the path, the query or the headers. */
export type Parameter = {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly schema: JsonSchema
}

/** One method of one path. */
export type Operation = {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** Null where nothing is sent. */
  readonly body: JsonSchema | null
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: JsonSchema }> }>>
}

/** The product's document. */
export const API_DOCUMENT: ReturnType<typeof openApiDocument> = openApiDocument(productRoutes())

/** All but the webhooks: without a secret there are none, and their signatures have tests of their own. */
export const OPERATIONS: readonly Operation[] = Object.entries(API_DOCUMENT.paths)
  .filter(([path]) => path !== '/api/webhooks/stripe')
  .flatMap(([path, item]) => Object.entries(item).map((entry) => operationOf(path, entry)))

function operationOf(path: string, [method, value]: [string, unknown]): Operation {
  const operation = value as {
    parameters?: Parameter[]
    requestBody?: { content: Record<string, { schema: JsonSchema }> }
    responses: Operation['responses']
  }
  return {
    method: method.toUpperCase(),
    path,
    parameters: operation.parameters ?? [],
    body: saying(operation.requestBody?.content['application/json']?.schema),
    responses: operation.responses,
  }
}

/** This machine's caller has no name, and so says who acts. */
function saying(body: JsonSchema | undefined): JsonSchema | null {
  if (body?.properties?.['by'] === undefined) return body ?? null
  return { ...body, required: [...new Set([...(body.required ?? []), 'by'])] }
}

/** A part of an URL. A lone surrogate has no percent-encoding; a dot alone would be another path. */
export function encoded(value: string): string {
  const whole = value.toWellFormed().slice(0, 2_000)
  return encodeURIComponent(whole).replaceAll('.', '%2E') || '%20'
}
