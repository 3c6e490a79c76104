/**
 * What happened at the payment server, in order, as `GET /v1/events` and webhooks tell it. Things that
 * are due later (a return, a payout's next status) wait here until their time has come.
 */
import { hash } from 'node:crypto'

export type RailEventType =
  | 'transfer.created'
  | 'transfer.reversed'
  | 'payout.created'
  | 'payout.updated'
  | 'payout.paid'
  | 'payout.failed'
  | 'payout.canceled'

export type RailEvent = {
  readonly type: RailEventType
  /** The transfer's or payout's id. */
  readonly objectId: string
  /** The connected account that a payout belongs to; null for the platform's own. */
  readonly account: string | null
  /** Virtual time, epoch seconds. */
  readonly created: number
}

/** Its id: follows from what happened, so that a restart from the log tells it under the same id. */
export function eventId({ type, objectId, created }: RailEvent): string {
  return `evt_sim${hash('sha1', `${type}|${objectId}|${created}`).slice(0, 24)}`
}

/** The event object; `object` is the transfer or payout as JSON text. */
export function renderEvent(event: RailEvent, object: string): string {
  const account = event.account === null ? '' : `"account":${JSON.stringify(event.account)},`
  return (
    `{"id":"${eventId(event)}","object":"event",${account}"api_version":"2025-03-31.basil",` +
    `"created":${event.created},"livemode":false,"pending_webhooks":1,` +
    `"request":{"id":null,"idempotency_key":null},"type":"${event.type}","data":{"object":${object}}}`
  )
}

/** Events that happened, oldest first, and those that are due. */
export interface Timeline {
  /** Something happened just now. */
  add(event: RailEvent): void
  /** Something is to happen when its `created` has come. */
  plan(event: RailEvent): void
  /** Nothing that was planned of the object happens any more. */
  forget(objectId: string): void
  /** Whether anything is to happen later. */
  hasPlanned(): boolean
  /** All that happened until a time, epoch seconds, oldest first. */
  until(nowS: number): readonly RailEvent[]
}

/** An empty timeline. */
export function createTimeline(): Timeline {
  const happened: RailEvent[] = []
  let due: RailEvent[] = []
  return {
    add: (event) => void happened.push(event),
    plan(event) {
      due.push(event)
      due.sort((a, b) => a.created - b.created)
    },
    forget(objectId) {
      due = due.filter((event) => event.objectId !== objectId)
    },
    hasPlanned: () => due.length > 0,
    until(nowS) {
      const ripe = due.findIndex((event) => event.created > nowS)
      happened.push(...due.splice(0, ripe === -1 ? due.length : ripe))
      return happened
    },
  }
}
