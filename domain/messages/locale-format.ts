/** Amounts and times as readers of a language write them. Zones and currencies are always named. */
import { formatMajorAmount } from '../currency.ts'
import type { Money } from '../money.ts'
import type { MessageLocale } from '../notification.ts'
import { toMs, type Instant } from '../time.ts'

/** Spaces that do not break are dear in text messages and cannot be typed into a search. */
const SPECIAL_SPACES = /[\u00a0\u202f]/g

/** Days before months, 24 hours: read alike on both sides of the Atlantic. */
const INTL_LOCALES: Readonly<Record<MessageLocale, string>> = { en: 'en-GB', de: 'de-DE' }

/** `USD 1,250.00`, `1.250,00 USD`. Exact: the digits never pass through a float. */
export function moneyIn(locale: MessageLocale, { minor, currency }: Money): string {
  const format = new Intl.NumberFormat(INTL_LOCALES[locale], {
    style: 'currency',
    currency,
    currencyDisplay: 'code',
  })
  // A decimal text is formatted digit by digit (ECMA-402, 2023); the types want a literal.
  const digits = formatMajorAmount(minor, currency) as `${number}`
  return format.format(digits).replaceAll(SPECIAL_SPACES, ' ')
}

/** A share of 10,000: `30%`, `30 %`. */
export function shareIn(locale: MessageLocale, bps: number): string {
  const format = new Intl.NumberFormat(INTL_LOCALES[locale], {
    style: 'percent',
    maximumFractionDigits: 2,
  })
  return format.format(bps / 10_000).replaceAll(SPECIAL_SPACES, ' ')
}

/** The date on the wall of a zone: `Saturday, 9 March 2013`, `Samstag, 9. März 2013`. */
export function dateIn(locale: MessageLocale, instant: Instant, zone: string): string {
  return dateFormat(locale, zone).format(toMs(instant)).replaceAll(SPECIAL_SPACES, ' ')
}

/** A calendar date, written `YYYY-MM-DD`. */
export function calendarDateIn(locale: MessageLocale, date: string): string {
  return dateFormat(locale, 'UTC').format(Date.parse(`${date}T00:00:00Z`))
}

/** The time on the wall of a zone, seconds cut: `14:05`. */
export function timeIn(locale: MessageLocale, instant: Instant, zone: string): string {
  return new Intl.DateTimeFormat(INTL_LOCALES[locale], {
    timeZone: zone,
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(toMs(instant))
}

function dateFormat(locale: MessageLocale, timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(INTL_LOCALES[locale], {
    timeZone,
    weekday: 'long',
    year: 'numeric',
    month: 'long',
    day: 'numeric',
  })
}
