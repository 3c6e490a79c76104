/**
 * What encrypting costs alone: payloads of the sizes that runs carry, closed and opened by the product's
 * own codec. Prints microseconds per payload.
 */
import { defaultPayloadConverter, type Payload } from '@temporalio/common'

import { newKeyMaterial, openKeyRing } from '../adapters/secrets/key-ring-sources.ts'
import { createPayloadCodec } from '../platform/temporal/payload-codec.ts'

/** A batch's id; a page of ids as a shard of legs has them; the ids of 500 payouts. */
const SIZES = [100, 2_000, 20_000] as const
const WARM_UP = 2_000
const BYTES_A_ROUND = 40_000_000

async function main(): Promise<void> {
  using keys = await openKeyRing({ file: null, text: `bench:${newKeyMaterial()}` })
  const codec = createPayloadCodec(keys)
  for (const size of SIZES) {
    const plain = defaultPayloadConverter.toPayload({ text: 'x'.repeat(size) })
    const times = Math.min(50_000, Math.round(BYTES_A_ROUND / size))
    const payloads = Array.from({ length: times }, (): Payload => plain)
    await codec.decode(await codec.encode(payloads.slice(0, WARM_UP)))
    const from = performance.now()
    const closed = await codec.encode(payloads)
    const between = performance.now()
    await codec.decode(closed)
    const figures = [between - from, performance.now() - between].map((ms) => (ms * 1_000) / times)
    const [close = 0, open = 0] = figures
    console.log(`${size} bytes: ${close.toFixed(1)} us to close, ${open.toFixed(1)} us to open`)
  }
}

await main()
