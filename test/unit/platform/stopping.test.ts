import { EventEmitter } from 'node:events'

import { describe, expect, it } from 'vitest'

import { checkHealth } from '../../../platform/health.ts'
import { createShutdown, untilAborted } from '../../../platform/shutdown.ts'

function stopper() {
  const source = new EventEmitter()
  const forced: number[] = []
  const told: string[] = []
  let nowMs = 1_000
  const shutdown = createShutdown({
    source: source as unknown as NodeJS.Process,
    force: (code) => forced.push(code),
    tell: (line) => told.push(line),
    nowMs: () => nowMs,
  })
  const send = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => source.emit(signal, signal)
  const wait = (ms: number) => {
    nowMs += ms
  }
  return { source, shutdown, send, wait, forced, told }
}

describe('signals', () => {
  it('ask to stop at the first, with its name as the reason', async () => {
    const { shutdown, send, forced } = stopper()
    expect(shutdown.signal.aborted).toBe(false)
    send('SIGTERM')
    expect(shutdown.signal.reason).toBe('SIGTERM')
    expect(forced).toEqual([])
    await untilAborted(shutdown.signal)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('force at a second %s with exit code %i', (signal, code) => {
    const { send, wait, forced, told } = stopper()
    send('SIGINT')
    wait(500)
    send(signal)
    expect(forced).toEqual([code])
    expect(told).toEqual([expect.stringContaining(`a second signal, ${signal};`)])
  })

  it('ask to stop when the terminal is closed', () => {
    const { shutdown, send } = stopper()
    send('SIGHUP')
    expect(shutdown.signal.reason).toBe('SIGHUP')
  })

  it('do not force at an echo of the first', () => {
    const { send, wait, forced, told } = stopper()
    send('SIGINT')
    wait(499)
    send('SIGINT')
    expect([...forced, ...told]).toEqual([])
  })

  it('are let go of afterwards', () => {
    const { source, shutdown, send } = stopper()
    shutdown[Symbol.dispose]()
    expect(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM')).toBe(0)
    send('SIGINT')
    expect(shutdown.signal.aborted).toBe(false)
  })
})

describe('readiness', () => {
  const ok = async () => 'fine'
  const fails = () => Promise.reject(new Error('away'))
  const hangs = () => new Promise(() => undefined)

  it('is ready when every check is', async () => {
    expect(await checkHealth({ database: ok, temporal: ok })).toEqual({
      status: 'ready',
      checks: { database: 'ok', temporal: 'ok' },
    })
  })

  it('is unavailable when one fails or does not answer in time, and says which', async () => {
    const heard: string[] = []
    const health = await checkHealth(
      { database: ok, temporal: fails, provider: hangs },
      { timeoutMs: 20, onFailed: (name, error) => heard.push(`${name}: ${String(error)}`) },
    )
    expect(health).toEqual({
      status: 'unavailable',
      checks: { database: 'ok', temporal: 'failed', provider: 'failed' },
    })
    expect(heard.toSorted()).toEqual([
      'provider: Error: provider did not answer within 20 ms',
      'temporal: Error: away',
    ])
  })
})
