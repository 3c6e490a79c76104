/** Shows how far a seed is: a bar redrawn in place on a terminal, elsewhere a line at each tenth. */

const WIDTH = 30
const TENTHS = 10

/** Tells a share from 0 to 1 and what is being written. */
export type SeedBar = (share: number, what: string) => void

/** The bar for a stream. */
export function createSeedBar(out: NodeJS.WritableStream & { readonly isTTY?: boolean }): SeedBar {
  let last = ''
  return (share, what) => {
    const percent = String(Math.floor(share * 100)).padStart(3)
    if (out.isTTY !== true) {
      const line = `${Math.floor(share * TENTHS) * TENTHS} %`
      if (line !== last) out.write(`${line} ${what}\n`)
      last = line
      return
    }
    const full = Math.floor(share * WIDTH)
    const line = `[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}] ${percent} % ${what}`
    if (line !== last) out.write(`\r\u001B[K${line}${share === 1 ? '\n' : ''}`)
    last = line
  }
}
