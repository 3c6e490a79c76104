import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

import { createContext } from '../../../cli/context.ts'
import { processStartTime } from '../../../platform/embedded/process.ts'

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'groundstop-main-'))

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
})

function groundstop(args: readonly string[], env: Record<string, string> = {}) {
  const result = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], GROUNDSTOP_HOME: home, ...env },
  })
  return { code: result.status, stdout: result.stdout, stderr: result.stderr }
}

describe('exit codes', () => {
  test('help ends with 0 and lists the commands', () => {
    const { code, stdout } = groundstop(['--help'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/\n {2}start /)
    expect(stdout).toMatch(/\n {2}clock /)
  })

  test('an unknown command ends with 2', () => {
    expect(groundstop(['fly'])).toMatchObject({ code: 2, stdout: '' })
  })

  test('an unknown option ends with 2', () => {
    expect(groundstop(['status', '--loud'])).toMatchObject({ code: 2, stdout: '' })
  })

  test('what is no id ends with 2 and names the argument', () => {
    const { code, stderr } = groundstop(['tasks', 'cancel', 'abc', '--reason', 'x'])
    expect(code).toBe(2)
    expect(stderr).toContain("'abc' is invalid for argument 'tasks'")
  })

  test('a bad setting ends with 78 and names it', () => {
    const { code, stderr } = groundstop(['status'], { API_PORT: '70000' })
    expect(code).toBe(78)
    expect(stderr).toContain('API_PORT is "70000": it must be a whole number from 0 to 65535')
  })

  test('without a running instance a command says so, without a stack', () => {
    const { code, stderr } = groundstop(['status'])
    expect(code).toBe(1)
    expect(stderr).toBe(
      `groundstop: no instance runs in ${home}: run \`groundstop start\`, or set DATABASE_URL\n`,
    )
  })
})

describe('the environment of a command', () => {
  const { stdout, stderr } = process
  const signals = { signal: new AbortController().signal, forced: new AbortController().signal }
  const contextOf = async (env: Record<string, string>) =>
    createContext({ GROUNDSTOP_HOME: home, ...env }, { stdout, stderr }, signals)

  function writeRun(pid: number, startTime: string | null): void {
    const run = {
      pid,
      startTime,
      databaseUrl: 'postgres://running',
      temporalAddress: '127.0.0.1:1',
      temporalNamespace: 'default',
      temporalUiUrl: null,
      apiUrl: 'http://127.0.0.1:3001',
      metricsUrl: 'http://127.0.0.1:9091/metrics',
      flightsUrl: 'http://127.0.0.1:2',
      paymentsUrl: 'http://127.0.0.1:3',
      mail: null,
      aeroapiKey: 'a',
      stripeApiKey: 'b',
      payloadKeysFile: null,
      scheduler: { isEnabled: true, jobs: null },
    }
    writeFileSync(join(home, 'run.json'), JSON.stringify(run))
  }

  test('has the addresses of the instance that runs', async () => {
    writeRun(process.pid, processStartTime(process.pid))
    const { env } = await contextOf({})
    expect(env).toMatchObject({ DATABASE_URL: 'postgres://running', API_PORT: '3001' })
  })

  test('keeps what is set', async () => {
    writeRun(process.pid, processStartTime(process.pid))
    const { env } = await contextOf({ DATABASE_URL: 'postgres://mine', API_PORT: '' })
    expect(env).toMatchObject({ DATABASE_URL: 'postgres://mine', API_PORT: '3001' })
  })

  test('has nothing of an instance that was killed', async () => {
    writeRun(process.pid, 'another start')
    expect((await contextOf({})).env).not.toHaveProperty('DATABASE_URL')
  })
})
