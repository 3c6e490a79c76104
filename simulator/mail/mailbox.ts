/** The last messages that the local mail server took, in memory; the oldest make room. */

/** A message as it was read. */
export type KeptMail = {
  /** In the order of arrival, from 1. */
  readonly n: number
  readonly receivedAt: string
  /** The envelope's. */
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly messageId: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly html: string | null
}

/** Newest first. */
export type Mailbox = {
  add(mail: Omit<KeptMail, 'n'>): void
  list(): readonly KeptMail[]
  find(n: number): KeptMail | null
  /** All that ever came, also what made room. */
  readonly received: number
}

/** A mailbox for `keep` messages. */
export function createMailbox(keep: number): Mailbox {
  const kept: KeptMail[] = []
  let received = 0
  return {
    add(mail) {
      received += 1
      kept.unshift({ n: received, ...mail })
      kept.length = Math.min(kept.length, keep)
    },
    list: () => kept,
    find: (n) => kept.find((mail) => mail.n === n) ?? null,
    get received() {
      return received
    },
  }
}
