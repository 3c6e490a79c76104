/** Calls of procedures over HTTP as it is, without the library's client. */
import type { ApiRig } from './api-rig.ts'

/** What a procedure answered: a problem document where it refused. */
export type ProcedureAnswer = {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

type Envelope =
  | { readonly result: { readonly data?: unknown } }
  | {
      readonly error: {
        readonly message: string
        readonly data: {
          readonly code: string
          readonly httpStatus: number
          readonly problem: unknown
        }
      }
    }

/** `text` stands for an input that is not JSON. */
type CallParts = {
  readonly input?: unknown
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks one procedure. */
export async function askProcedure(
  { api }: Pick<ApiRig, 'api'>,
  procedure: string,
  method: 'GET' | 'POST',
  { input = {}, text = JSON.stringify(input), headers = {} }: CallParts = {},
): Promise<ProcedureAnswer> {
  const query = method === 'GET' ? `?input=${encodeURIComponent(text)}` : ''
  const response = await fetch(`${api.url}/api/trpc/${procedure}${query}`, {
    method,
    headers: { ...headers, ...(method === 'GET' ? {} : { 'content-type': 'application/json' }) },
    ...(method === 'GET' ? {} : { body: text }),
  })
  const envelope = (await response.json()) as Envelope
  const body = 'error' in envelope ? envelope.error.data.problem : envelope.result.data
  return { status: response.status, headers: response.headers, body }
}
