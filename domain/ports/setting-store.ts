/** Run-time settings: rows that people change while the product runs. */

/** `true` holds every payout, `{products: [code]}` those of some products, `false` none. */
export const PAYOUTS_PAUSED = 'payouts.paused'
/** Minor units above which a rule may not approve: a number, or `{USD: n, JPY: n}`. */
export const PAYOUTS_APPROVAL_LIMIT = 'payouts.approvalLimitMinor'

/** Run-time settings as JSON by key. */
export interface SettingStore {
  /** The JSON value, or null when the setting was never set. */
  read(key: string): Promise<unknown>
  write(key: string, value: unknown, updatedBy: string): Promise<void>
}
