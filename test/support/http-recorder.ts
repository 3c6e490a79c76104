/** A server on loopback that keeps what it is sent and answers as it is told. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export type Recorded = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly text: string
}

export type RecorderAnswer =
  | {
      readonly status: number
      readonly body?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | 'hang'

export type Recorder = AsyncDisposable & {
  readonly url: string
  readonly requests: readonly Recorded[]
  answer(answer: RecorderAnswer): void
}

/** Starts one; it answers 500 until it is told otherwise. */
export async function startRecorder(): Promise<Recorder> {
  const requests: Recorded[] = []
  let answer: RecorderAnswer = { status: 500 }
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      requests.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: Object.fromEntries(
          Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
        ),
        body,
        text: body.toString('utf8'),
      })
      if (answer === 'hang') return
      response.writeHead(answer.status, answer.headers).end(answer.body)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer(next) {
      answer = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
