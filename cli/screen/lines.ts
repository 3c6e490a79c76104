/** Figures and addresses as lines of text. Pure. */
import type { RunFile } from '../run-file.ts'
import type { Figures } from './figures.ts'

const LABEL_WIDTH = 11

/** Where everything is, one line each. */
export function addressLines(run: RunFile): string[] {
  const lines = [
    labelled('API', run.apiUrl),
    labelled('metrics', run.metricsUrl),
    labelled('flights', run.flightsUrl),
    labelled('payments', run.paymentsUrl),
    ...(run.mail === null ? [] : [labelled('mail', run.mail.url)]),
    labelled('PostgreSQL', withoutPassword(run.databaseUrl)),
    labelled('Temporal', run.temporalAddress),
  ]
  return run.temporalUiUrl === null ? lines : [...lines, labelled('Web UI', run.temporalUiUrl)]
}

/** What the book looks like now, one line each. */
export function figureLines(figures: Figures): string[] {
  return [
    labelled('time', timeText(figures)),
    labelled('legs', `${count(figures.legsWatched)} watched, ${count(figures.legsDue)} due`),
    labelled(
      'decided',
      `${count(figures.decidedPay + figures.decidedNoPay)} of ${count(figures.policies)} ` +
        `policies: ${count(figures.decidedPay)} pay, ${count(figures.decidedNoPay)} do not` +
        (figures.inReview === 0 ? '' : `, ${count(figures.inReview)} in review`),
    ),
    labelled('paid', paidText(figures)),
    labelled('coverage', coverageText(figures)),
    labelled('last tick', tickText(figures)),
    ...(figures.stuckRuns ?? []).map(({ id }) => labelled('stuck', `${id}: its code fails`)),
  ]
}

/** The same on one line, for logs. */
export function figureLine(figures: Figures): string {
  return [
    timeText(figures),
    `${count(figures.legsWatched)} legs`,
    `${count(figures.decidedPay + figures.decidedNoPay)}/${count(figures.policies)} decided`,
    `paid ${paidText(figures)}`,
    `coverage ${coverageText(figures)}`,
    `tick ${tickText(figures)}`,
  ].join(' | ')
}

/** `postgres://postgres:***@127.0.0.1:5433/groundstop`. */
export function withoutPassword(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null) return '(not a URL)'
  if (parsed.password !== '') parsed.password = '***'
  return parsed.href
}

/** An amount of minor units with its currency: `12,345.60 USD`. Exact for every length. */
export function moneyText(minor: string, currency: string): string {
  const decimals = minorDigits(currency)
  const digits = minor.padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals).replaceAll(/\B(?=(\d{3})+$)/g, ',')
  const fraction = decimals === 0 ? '' : `.${digits.slice(-decimals)}`
  return `${whole}${fraction} ${currency}`
}

function minorDigits(currency: string): number {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency })
  return format.resolvedOptions().maximumFractionDigits ?? 2
}

function labelled(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`
}

function timeText({ now, speed }: Figures): string {
  const time = `${now.slice(0, 10)} ${now.slice(11, 19)} UTC`
  if (speed === null) return time
  return `${time} ${speed === 0 ? '(stopped)' : `x${speed}`}`
}

function paidText({ paid, payoutsOpen }: Figures): string {
  const open = payoutsOpen === 0 ? '' : `, ${count(payoutsOpen)} under way`
  if (paid.length === 0) return `0${open}`
  const payouts = paid.reduce((sum, one) => sum + one.payouts, 0)
  const money = paid.map((one) => moneyText(one.minor, one.currency)).join(' + ')
  return `${count(payouts)} = ${money}${open}`
}

function coverageText({ coverageIncidentsOpen }: Figures): string {
  if (coverageIncidentsOpen === 0) return 'all legs asked in time'
  const legs = coverageIncidentsOpen === 1 ? 'leg was' : 'legs were'
  return `${count(coverageIncidentsOpen)} ${legs} not asked in time`
}

function tickText({ lastTick }: Figures): string {
  if (lastTick === null) return 'none yet'
  const seconds = (lastTick.durationMs / 1_000).toFixed(1)
  const how = lastTick.status === 'COMPLETED' ? '' : ` ${lastTick.status.toLowerCase()}`
  return `${lastTick.closedAt.slice(11, 19)} UTC${how}, took ${seconds} s`
}

function count(value: number): string {
  return value.toLocaleString('en')
}
