/** Values of figures as people read them: `1,234`, `12.5 %`, `1,234.50 USD`, `2 h 5 min`. Pure. */
import type { FigureRow, Unit } from '../analytics/sections.ts'
import { decimalsOf } from '../currency.ts'
import { currency } from '../money.ts'

/** A value in words; nothing is `-`. */
export function figureText(row: FigureRow, key: string, unit: Unit): string {
  const value = row[key]
  if (value === null || value === undefined || value === '') return '-'
  switch (unit) {
    case 'text':
      return String(value)
    case 'count':
      return grouped(String(value))
    case 'bps':
      return `${(Number(value) / 100).toFixed(2)} %`
    case 'minor':
      return moneyText(String(value), String(row['currency'] ?? 'USD'))
    case 'ms':
      return durationText(Number(value) / 1_000)
    case 's':
      return durationText(Number(value))
  }
}

/** Minor units, as text of any length, with their currency. */
export function moneyText(minor: string, code: string): string {
  const decimals = decimalsOf(currency(code))
  const sign = minor.startsWith('-') ? '-' : ''
  const digits = minor.replace('-', '').padStart(decimals + 1, '0')
  const whole = grouped(digits.slice(0, digits.length - decimals))
  return `${sign}${whole}${decimals === 0 ? '' : `.${digits.slice(-decimals)}`} ${code}`
}

function grouped(digits: string): string {
  return digits.replaceAll(/\B(?=(\d{3})+$)/g, ',')
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60]
  if (hours < 48) return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
  return `${Math.round(hours / 24)} d`
}
