/** Run-time settings: rows that people change while the product runs. */

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

/** Run-time settings as JSON by key. */
export interface SettingStore {
  /** The JSON value, or null when the setting was never set. */
  read(key: string): Promise<unknown>
  write(key: string, value: unknown, updatedBy: string): Promise<void>
}
