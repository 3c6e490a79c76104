/** How long events of the audit trail stay in the database before they go on in files. */

/** Days of the business clock that events stay in the database. */
export const AUDIT_KEEP_DAYS = 'audit.keepDays'

/** At least a quarter, as figures and reports of the last months count events. */
export const AUDIT_KEPT_DAYS = { least: 93, greatest: 36_500, fallback: 365 } as const
