/** Finding loopback TCP ports for the embedded servers. */
import { randomInt } from 'node:crypto'
import { connect, createServer } from 'node:net'

/** The address that only this machine reaches. */
export const LOOPBACK = '127.0.0.1'

/** A port is taken although it was asked for by name. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
  readonly port: number

  constructor(what: string, port: number, setting: string) {
    super(
      `port ${port} for ${what} is taken by another process: ` +
        `free it, or set ${setting} to another port`,
    )
    this.port = port
  }
}

/** A port that is wanted, and whether another would do. */
export type PortWish = {
  /** For messages: `PostgreSQL`. */
  readonly what: string
  readonly port: number
  /** The variable that sets it: `POSTGRES_PORT`. */
  readonly setting: string
  /** Asked for by name: another port is no answer. */
  readonly isExplicit: boolean
}

/** True when nothing listens on the loopback port now. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false)
      else reject(error)
    })
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}

/**
 * Below the ports that systems give to outgoing connections, where one that was free a moment ago would
 * soon be somebody's.
 */
const CHOSEN_FROM = 20_000
const CHOSEN_UP_TO = 32_767
const TRIES = 100

/** A loopback port that was free a moment ago; whoever uses it must still expect to lose it. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const port = randomInt(CHOSEN_FROM, CHOSEN_UP_TO + 1)
    if (await isPortFree(port)) return port
  }
  throw new Error(`none of ${TRIES} ports between ${CHOSEN_FROM} and ${CHOSEN_UP_TO} is free`)
}

/**
 * The wished port when it is free, else another free one. Throws PortTakenError when the port was
 * asked for by name. Port 0 asks for any.
 */
export async function choosePort(wish: PortWish): Promise<number> {
  if (wish.port === 0) return freePort()
  if (await isPortFree(wish.port)) return wish.port
  if (wish.isExplicit) throw new PortTakenError(wish.what, wish.port, wish.setting)
  return freePort()
}

/** True when something accepts connections on the loopback port. */
export async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK, timeout: 1_000 })
    const answer = (isUp: boolean): void => {
      socket.destroy()
      resolve(isUp)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
    socket.once('timeout', () => answer(false))
  })
}
