/** Calls of procedures and subscriptions over HTTP as it is, without the library's client. */
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
  { api }: { readonly api: { readonly url: string } },
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

/** What comes over a subscription; null stands for JSON's null and for no data. */
export type SseEvent = {
  readonly event: string
  readonly id: string | null
  readonly data: unknown
}

/** The events of a stream, pings aside, until it ends. */
export async function* eventsOf(response: Response): AsyncGenerator<SseEvent, void, undefined> {
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim() ?? null
      const event = field('event') ?? 'message'
      if (event !== 'ping')
        yield { event, id: field('id'), data: JSON.parse(field('data') ?? 'null') }
    }
  }
}
