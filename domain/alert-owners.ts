/**
 * Where the owners of jobs are told of trouble: by which channels, and at which address. What people set
 * at run time, and what holds.
 */
import { OPERATOR_CHANNELS, type NotificationChannel } from './notification.ts'

/** The setting, `{owner: {channels, email}}`. */
export const ALERTS_OWNERS = 'alerts.owners'

/** A channel that owners may be told by. */
export type OwnerChannel = (typeof OPERATOR_CHANNELS)[number]

/** How one owner is told. */
export type AlertOwner = {
  /** At least one; left out: all that operators have. */
  readonly channels?: readonly OwnerChannel[]
  /** Where e-mail goes; left out: where all of operators' mail goes. */
  readonly email?: string
}

/** Owners in one setting; more are a mistake. */
const OWNERS_AT_MOST = 50

const OWNER = /^[a-z][a-z0-9-]{0,39}$/
const ADDRESS = /^[^\s@<>,;]{1,64}@[A-Za-z0-9.-]{1,190}$/

/** What the setting may be, in words. */
export const ALERT_OWNERS_TEXT =
  `how owners of jobs are told, as {"finance": {"channels": ["email", "slack"], "email": "finance@insurer.example"}}; ` +
  `channels are ${OPERATOR_CHANNELS.join(', ')}`

/** Whether mail can be sent to this text. */
export function isMailAddress(value: unknown): value is string {
  return typeof value === 'string' && ADDRESS.test(value)
}

/** Whether a value may be that of the setting. */
export function isAlertOwners(value: unknown): value is Readonly<Record<string, AlertOwner>> {
  if (!isRecord(value)) return false
  const owners = Object.entries(value)
  return (
    owners.length > 0 &&
    owners.length <= OWNERS_AT_MOST &&
    owners.every(([owner, told]) => OWNER.test(owner) && isOwner(told))
  )
}

function isOwner(value: unknown): boolean {
  if (!isRecord(value)) return false
  const fields = Object.entries(value)
  return (
    fields.length > 0 &&
    fields.every(([field, given]) => {
      if (field === 'email') return isMailAddress(given)
      return field === 'channels' && isChannels(given)
    })
  )
}

function isChannels(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0) return false
  const known: readonly unknown[] = OPERATOR_CHANNELS
  return new Set(value).size === value.length && value.every((one) => known.includes(one))
}

/** The channels of an owner: the setting where it is within bounds and names them, else all. */
export function channelsOf(owner: string, setting: unknown): readonly NotificationChannel[] {
  const told = isAlertOwners(setting) && Object.hasOwn(setting, owner) ? setting[owner] : undefined
  return told?.channels ?? OPERATOR_CHANNELS
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
