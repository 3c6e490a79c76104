/** What every channel promises, whatever its protocol. Each adapter runs it against its own server. */
import { expect, test } from 'vitest'

import type { Notifier, NotifierAddress, OutgoingMessage } from '../../domain/ports/notifier.ts'

/** How a test makes the channel's server answer. */
export type ServerMood =
  | 'accepts'
  /** Refuses this message for good. */
  | 'refuses-message'
  /** Refuses this receiver for good. */
  | 'refuses-address'
  /** Cannot take this message just now. */
  | 'busy'
  /** Takes nothing: shut, overloaded. */
  | 'away'
  /** Takes the connection and says nothing. */
  | 'silent'
  /** Does not know us. */
  | 'credentials'

/** A channel before its server. */
export type NotifierRig = AsyncDisposable & {
  readonly notifier: Notifier
  readonly address: NotifierAddress
  mood(mood: ServerMood): Promise<void> | void
  /** Ids of the messages that the server took, as a receiver knows them apart, in order. */
  received(): readonly string[]
  /** Everything that the server took, as text. */
  receivedText(): string
}

/** What differs between channels. */
export type NotifierTraits = {
  /** Moods that the protocol has. */
  readonly moods: readonly ServerMood[]
  readonly isDelivered: boolean
  /** Whether one server stands for the whole channel. */
  readonly isOneProvider: boolean
  /** What an outcome must never hold: parts of addresses and secrets. */
  readonly secrets: readonly string[]
}

const ID = '3f2a9c10-6d1e-5b6a-9c40-1f2e3d4c5b6a'

/** A message to an address. */
export function messageTo(
  address: NotifierAddress,
  change: Partial<OutgoingMessage> = {},
): OutgoingMessage {
  return {
    notificationId: ID,
    address,
    subject: 'You have been paid USD 120.00 – größer als 5 € & <1>',
    text: 'You have been paid.\n\nYour insurer\n',
    short: 'You have been paid USD 120.00.',
    html: '<!doctype html><html><body><p>You have been paid.</p></body></html>',
    locale: 'en',
    data: { event: 'payout-paid', policyNumber: 'P-1', amountMinor: 12_000 },
    ...change,
  }
}

/** Defines the tests. `rig` starts a server and a channel before it. */
export function describeNotifier(rig: () => Promise<NotifierRig>, traits: NotifierTraits): void {
  /** A test for channels whose protocol has the mood. */
  const when = (mood: ServerMood, name: string, body: () => Promise<void>): void => {
    if (traits.moods.includes(mood)) test(`${name} (${mood})`, body)
  }
  const sendIn = async (mood: ServerMood, change: Partial<OutgoingMessage> = {}) => {
    await using one = await rig()
    await one.mood(mood)
    const outcome = await one.notifier.send(messageTo(one.address, change))
    for (const secret of traits.secrets) expect(JSON.stringify(outcome)).not.toContain(secret)
    return { outcome, received: one.received(), text: one.receivedText() }
  }

  test('a message that is taken is sent, with what the provider calls it', async () => {
    const { outcome, received } = await sendIn('accepts')
    expect(outcome).toMatchObject({ kind: 'sent', isDelivered: traits.isDelivered })
    expect(received).toHaveLength(1)
  })

  test('the same message sent again is known for the same, another one for another', async () => {
    await using one = await rig()
    await one.mood('accepts')
    await one.notifier.send(messageTo(one.address))
    await one.notifier.send(messageTo(one.address))
    const notificationId = '0a0a0a0a-6d1e-5b6a-9c40-1f2e3d4c5b6a'
    await one.notifier.send(messageTo(one.address, { notificationId }))
    const [first, again, other] = one.received()
    expect(first).toBe(again)
    expect(other).not.toBe(first)
  })

  when('refuses-message', 'a message refused for good is not tried again', async () => {
    const { outcome } = await sendIn('refuses-message')
    expect(outcome).toMatchObject({ kind: 'refused', isAddressGone: false })
  })

  when('refuses-address', 'a receiver that is no more is said to be', async () => {
    const { outcome } = await sendIn('refuses-address')
    expect(outcome).toMatchObject({ kind: 'refused', isAddressGone: true })
  })

  when('busy', 'a message not taken now may be tried again', async () => {
    const { outcome } = await sendIn('busy')
    expect(outcome).toMatchObject({ kind: 'retry', isChannelDown: false })
  })

  when('away', 'a server that takes nothing is told from a bad message', async () => {
    const { outcome } = await sendIn('away')
    expect(outcome).toMatchObject({ kind: 'retry', isChannelDown: traits.isOneProvider })
  })

  when('silent', 'a server that says nothing is given up after the time-out', async () => {
    const { outcome } = await sendIn('silent')
    expect(outcome).toMatchObject({ kind: 'retry', isChannelDown: traits.isOneProvider })
  })

  when('credentials', "wrong credentials are the channel's fault, no message's", async () => {
    const { outcome } = await sendIn('credentials')
    expect(outcome).toMatchObject({ kind: 'retry', isChannelDown: true })
  })

  test('a signal that is aborted stops before anything is sent', async () => {
    await using one = await rig()
    await one.mood('accepts')
    const sent = one.notifier.send(messageTo(one.address), AbortSignal.abort(new Error('stop')))
    await expect(sent).rejects.toThrow('stop')
    expect(one.received()).toEqual([])
  })
}
