/** Tells the other processes which keys this one has, at intervals and whenever its ring changed. */
import { activeKey } from '../domain/key-ring.ts'
import type { RingName } from '../domain/key-rotation.ts'
import type { KeyHolders, KeyRingSource } from '../domain/ports/key-rings.ts'
import { SECOND_MS, toMs } from '../domain/time.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Well within the time after which a silent process counts as ended; a changed ring is told sooner. */
const REPORT_EVERY_MS = 30_000
const LOOK_EVERY_MS = 1_000

/** The rings of this process; null where there is none. */
export type HeldRings = Readonly<Record<RingName, KeyRingSource | null>>

/** Reports until it is disposed. A report that cannot be stored is told again with the next one. */
export function reportKeys(deps: {
  readonly holders: Pick<KeyHolders, 'report'>
  readonly rings: HeldRings
  readonly processId: string
  readonly metrics: Pick<Metrics, 'secretKeyAge'>
  readonly logger: Pick<Logger, 'warn'>
}): AsyncDisposable {
  const told = new Map<string, { readonly keyIds: string; readonly atMs: number }>()
  const report = async (): Promise<void> => {
    for (const [name, source] of Object.entries(deps.rings)) {
      if (source === null) continue
      const { keys } = source.current()
      const active = activeKey({ keys })
      const sinceMs = toMs(active.activatedAt ?? active.createdAt)
      deps.metrics.secretKeyAge.set({ ring: name }, (Date.now() - sinceMs) / SECOND_MS)
      const ids = keys.map(({ keyId }) => keyId)
      const [last, now] = [told.get(name), performance.now()]
      if (last?.keyIds === ids.join(' ') && now - last.atMs < REPORT_EVERY_MS) continue
      await deps.holders.report(deps.processId, name as RingName, ids) // keys of HeldRings
      told.set(name, { keyIds: ids.join(' '), atMs: now })
    }
  }
  let reporting: Promise<void> = Promise.resolve()
  const look = (): void => {
    reporting = reporting.then(report).catch((error: unknown) => {
      deps.logger.warn({ error }, 'keys-not-reported')
    })
  }
  look()
  const timer = setInterval(look, LOOK_EVERY_MS)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await reporting
    },
  }
}
