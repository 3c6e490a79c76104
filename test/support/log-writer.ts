/** A process that logs numbered lines as fast as it can until it is told to stop; says how many. */
import { createLogger } from '../../platform/logger.ts'

const [file = '', rotateMb = '10000'] = process.argv.slice(2)
const logger = createLogger({ file })
logger.setRotateMb(Number(rotateMb))

let written = 0
let isStopping = false
process.on('SIGTERM', () => {
  isStopping = true
})

function writeSome(): void {
  for (let i = 0; i < 50; i += 1) {
    logger.info({ n: written, filler: 'x'.repeat(200) }, 'line')
    written += 1
  }
  if (isStopping) process.stdout.write(`${written}\n`)
  else setTimeout(writeSome, 1)
}
writeSome()
