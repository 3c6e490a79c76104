/** Run-time settings: rows that people change while the product runs; what each may be is in settings.ts. */
import type { Instant } from '../time.ts'

/** `true` or `{all: true}` holds every payout, `{products: [code]}` those of products, `false` none. */
export const PAYOUTS_PAUSED = 'payouts.paused'
/** Minor units above which a rule may not approve: a number, or `{USD: n, JPY: n}`. */
export const PAYOUTS_APPROVAL_LIMIT = 'payouts.approvalLimitMinor'
/** Minor units that rules may approve in a business day (UTC): a number, or `{USD: n, JPY: n}`. */
export const PAYOUTS_DAILY_CEILING = 'payouts.dailyCeilingMinor'
/** How long each class is kept, `{class: days}`: `domain/retention.ts`. A change holds from the next run. */
export const RETENTION_DAYS = 'retention.days'
/** Rows or files that a cleanup removes at once: 100 to 10,000, 1,000 when not set. */
export const CLEANUP_BATCH_SIZE = 'cleanup.batchSize'
/** Whether new cover is quoted and bound. */
export const SALES_OPEN = 'sales.isOpen'
/** Days after which an active key is followed by another. */
export const SECRETS_MAX_AGE_DAYS = 'secrets.maxAgeDays'
/** Days that a replaced key is kept at least. */
export const SECRETS_GRACE_DAYS = 'secrets.graceDays'
/** Minutes that a new key waits at least before it is used. */
export const SECRETS_DISTRIBUTION_MINUTES = 'secrets.distributionMinutes'
/** How much every process logs. */
export const LOG_LEVEL = 'log.level'

/** A setting that was set. */
export type StoredSetting = {
  readonly key: string
  readonly value: unknown
  /** Another after every change, and never used again. */
  readonly version: number
  readonly updatedBy: string
  /** Wall time. */
  readonly updatedAt: Instant
}

/** A change that was checked; without `value` the setting goes back to its default. */
export type SettingChange = {
  readonly key: string
  readonly value?: unknown
  /** Refused unless this is the version that is stored, 0 for none. Null: whatever is stored. */
  readonly expectedVersion: number | null
  readonly by: string
  readonly reason: string
  /** Of the audit event; business time. */
  readonly at: Instant
}

/** What became of a change. `before` and `after` are null where the default holds. */
export type SettingChanged =
  | {
      readonly kind: 'done'
      readonly isChanged: boolean
      readonly before: unknown
      readonly after: unknown
    }
  | { readonly kind: 'changed-meanwhile'; readonly stored: StoredSetting | null }

/** Run-time settings as JSON by key. */
export interface SettingStore {
  /** The JSON value, or null when the setting was never set. */
  read(key: string): Promise<unknown>
  /** Those of these keys that were set, in the order of their keys. */
  readAll(keys: readonly string[]): Promise<StoredSetting[]>
  /** Writes value and audit event, both or neither. A change that changes nothing is not recorded. */
  change(change: SettingChange): Promise<SettingChanged>
  write(key: string, value: unknown, updatedBy: string): Promise<void>
}
