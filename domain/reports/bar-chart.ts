/** Horizontal bars as one SVG element: readable in light and dark, in print, and without the network. Pure. */
import { escapeMarkup } from './markup.ts'

/** One bar of one series. */
export type Bar = {
  /** Not below zero; null draws nothing and says `-`. */
  readonly value: number | null
  /** What is written beside the bar. */
  readonly text: string
}

/** A chart: a line of bars for each label, one for each series. */
export type BarChart = {
  readonly title: string
  readonly series: readonly string[]
  readonly lines: readonly { readonly label: string; readonly bars: readonly Bar[] }[]
}

const WIDTH = 720
const LABEL_WIDTH = 150
const TEXT_WIDTH = 150
const BAR_HEIGHT = 16
const BAR_GAP = 3
const LINE_GAP = 9
const LEGEND_HEIGHT = 26
const LABEL_LENGTH = 20
/** A bar that is not nothing is seen. */
const LEAST_WIDTH = 2

/** The chart as markup. Colours are the page's: classes `s0`, `s1` ... of the series. */
export function barChart({ title, series, lines }: BarChart): string {
  const lineHeight = series.length * (BAR_HEIGHT + BAR_GAP) + LINE_GAP
  const top = series.length > 1 ? LEGEND_HEIGHT : 0
  const height = top + lines.length * lineHeight
  const greatest = Math.max(0, ...lines.flatMap(({ bars }) => bars.map(({ value }) => value ?? 0)))
  const scale = greatest === 0 ? 0 : (WIDTH - LABEL_WIDTH - TEXT_WIDTH) / greatest
  const drawn = lines.map(({ label, bars }, i) => {
    const y = top + i * lineHeight
    const middle = y + (series.length * (BAR_HEIGHT + BAR_GAP) - BAR_GAP) / 2
    return (
      `<text class="label" x="${LABEL_WIDTH - 8}" y="${round(middle + 4)}">` +
      `${escapeMarkup(shortened(label))}</text>` +
      bars.map((bar, n) => drawBar(bar, { n, y: y + n * (BAR_HEIGHT + BAR_GAP), scale })).join('')
    )
  })
  return (
    `<svg role="img" viewBox="0 0 ${WIDTH} ${height}" aria-label="${escapeMarkup(title)}">` +
    `<title>${escapeMarkup(title)}</title>${legend(series)}${drawn.join('')}</svg>`
  )
}

function drawBar(
  { value, text }: Bar,
  { n, y, scale }: { readonly n: number; readonly y: number; readonly scale: number },
): string {
  const width = value === null || value <= 0 ? 0 : Math.max(LEAST_WIDTH, round(value * scale))
  const textX = round(LABEL_WIDTH + width + 6)
  const shape =
    width === 0
      ? ''
      : `<rect class="s${n}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" rx="2"/>`
  return `${shape}<text x="${textX}" y="${y + BAR_HEIGHT - 4}">${escapeMarkup(text)}</text>`
}

function legend(series: readonly string[]): string {
  if (series.length < 2) return ''
  return series
    .map((name, n) => {
      const x = LABEL_WIDTH + n * 120
      return (
        `<rect class="s${n}" x="${x}" y="4" width="12" height="12" rx="2"/>` +
        `<text x="${x + 18}" y="14">${escapeMarkup(name)}</text>`
      )
    })
    .join('')
}

function shortened(label: string): string {
  return label.length > LABEL_LENGTH ? `${label.slice(0, LABEL_LENGTH - 1)}…` : label
}

/** Half pixels are fine, sixteen decimals are not: and the same figures are the same bytes. */
function round(value: number): number {
  return Math.round(value * 10) / 10
}
