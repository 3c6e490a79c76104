/** Key rings for tests. The first one also opens what is recorded under `test/replay/encrypted`. */
import type { KeyRing, RingKey } from '../../domain/key-ring.ts'
import type { KeyRingSource } from '../../domain/ports/key-rings.ts'
import { parseInstant } from '../../domain/time.ts'

const CREATED = parseInstant('2026-11-01T00:00:00Z')

/** A key of a test, its material its id's first letters. */
export function testKey(keyId: string, change: Partial<RingKey> = {}): RingKey {
  const material = Buffer.from(keyId.padEnd(32, '.').slice(0, 32)).toString('base64')
  const times = { createdAt: CREATED, activatedAt: CREATED, replacedAt: null }
  return { keyId, material, state: 'active', ...times, ...change }
}

/** What recorded histories are encrypted with. */
export const RECORDED_RING: KeyRing = { keys: [testKey('recorded-2026-11')] }

/** A source whose ring a test replaces; `refresh` counts. */
export class ChangingKeys implements KeyRingSource {
  ring: KeyRing
  refreshed = 0
  /** What the next `refresh` finds. */
  next: KeyRing | null = null

  constructor(ring: KeyRing) {
    this.ring = ring
  }

  current(): KeyRing {
    return this.ring
  }

  async refresh(): Promise<KeyRing> {
    this.refreshed += 1
    this.ring = this.next ?? this.ring
    return this.ring
  }

  [Symbol.dispose](): void {}
}
