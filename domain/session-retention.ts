/** How long what signing in leaves behind is kept. */
import { addMs, DAY_MS, type Instant } from './time.ts'

/** Days that each class is kept, in the order in which a cleanup goes. */
export const SESSION_RETENTION_DAYS = {
  /** Since a session was renewed: a week later it opens nothing. */
  sessions: 7,
  /** Codes of invitations and resets: none holds longer than a day. */
  'mail-codes': 1,
  /** Accounts that were made and whose address nobody confirmed. */
  'unverified-accounts': 30,
} as const

export type SessionClass = keyof typeof SESSION_RETENTION_DAYS

/** All classes. */
export const SESSION_CLASSES = Object.keys(SESSION_RETENTION_DAYS) as SessionClass[] // its own keys

/** What of a class goes: older than a moment; of one user, or of everybody. */
export type SessionCut = {
  readonly class: SessionClass
  readonly before: Instant
  /** Name of the user whose sessions go. */
  readonly userName?: string | undefined
}

/** What a cleanup goes through: one user's sessions whatever their age, or every class by its age. */
export function sessionCuts(userName: string | undefined, now: Instant): SessionCut[] {
  if (userName !== undefined) return [{ class: 'sessions', before: now, userName }]
  return SESSION_CLASSES.map((name) => ({
    class: name,
    before: addMs(now, -SESSION_RETENTION_DAYS[name] * DAY_MS),
  }))
}
