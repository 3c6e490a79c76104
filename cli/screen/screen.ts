/**
 * Shows a running instance: on a terminal a few lines redrawn in place, elsewhere a plain line when
 * the figures changed. Reads nothing itself.
 */
import type { RunFile } from '../run-file.ts'
import type { Figures } from './figures.ts'
import { addressLines, figureLine, figureLines } from './lines.ts'

const NOTES_SHOWN = 5
// What a plain log of a day should not exceed.
const PLAIN_EVERY_MS = 5_000

export interface Screen {
  /** Something happened: a part is up, a part crashed. */
  note(text: string): void
  showAddresses(run: RunFile): void
  showFigures(figures: Figures): void
  /** Leaves what is shown and goes on below it. */
  close(): void
}

/** The screen for a stream; `columns` is set on terminals. */
export function createScreen(
  out: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number },
): Screen {
  return out.isTTY === true ? createTerminalScreen(out) : createPlainScreen(out)
}

function createPlainScreen(out: NodeJS.WritableStream): Screen {
  let last = ''
  let lastAtMs = Number.NEGATIVE_INFINITY
  const print = (text: string): void => {
    out.write(`${text}\n`)
  }
  return {
    note: print,
    showAddresses: (run) => addressLines(run).forEach(print),
    showFigures(figures) {
      const now = performance.now()
      const line = figureLine(figures)
      if (line === last || now - lastAtMs < PLAIN_EVERY_MS) return
      last = line
      lastAtMs = now
      print(line)
    },
    close: () => undefined,
  }
}

function createTerminalScreen(out: NodeJS.WritableStream & { readonly columns?: number }): Screen {
  let shownLines = 0
  let addresses: readonly string[] = []
  let figures: readonly string[] = []
  let notes: readonly string[] = []
  let isLive = false

  const draw = (): void => {
    const width = (out.columns ?? 80) - 1
    const lines = ['', ...addresses, '', ...figures, '', ...notes, 'Ctrl-C stops.']
    const up = shownLines === 0 ? '' : `\u001B[${shownLines}A`
    // Up to the first line, clear from there on, draw again: nothing scrolls, nothing flickers.
    out.write(`${up}\r\u001B[J${lines.map((line) => `${line.slice(0, width)}\n`).join('')}`)
    shownLines = lines.length
  }

  return {
    note(text) {
      if (!isLive) {
        out.write(`${text}\n`)
        return
      }
      const stamp = new Date().toISOString().slice(11, 19)
      const added = text.split('\n').map((line) => `${stamp} ${line}`)
      notes = [...notes, ...added].slice(-NOTES_SHOWN)
      draw()
    },
    showAddresses(run) {
      addresses = addressLines(run)
    },
    showFigures(next) {
      figures = figureLines(next)
      isLive = true
      draw()
    },
    close() {
      isLive = false
      shownLines = 0
    },
  }
}
