/** The simulators' command lines: what is filled in, and errors that name the option. */
import { expect, test } from 'vitest'
import {
  parseFlightsOptions,
  parsePaymentsOptions,
  SimulatorUsageError,
} from '../../../simulator/options.ts'

test('what is not given is loopback, any free port, system time and no faults', () => {
  expect(parsePaymentsOptions([])).toEqual({
    host: '127.0.0.1',
    port: 0,
    seed: 2013,
    clockUrl: null,
    faults: null,
    log: null,
    webhooks: null,
  })
})

test('several leg packs may be given', () => {
  const options = parseFlightsOptions([
    '--flights',
    'a.txt',
    '--flights',
    'b.txt.gz',
    '--port',
    '1',
  ])
  expect(options).toMatchObject({ flights: ['a.txt', 'b.txt.gz'], port: 1 })
})

test('flights without a pack are refused', () => {
  expect(() => parseFlightsOptions([])).toThrow(SimulatorUsageError)
  expect(() => parseFlightsOptions([])).toThrow('--flights')
})

test.each([
  ['--port', ['--port', '70000']],
  ['--port', ['--port', '-1']],
  ['--port', ['--port', 'http']],
  ['--seed', ['--seed', '1.5']],
  ['--clock', ['--clock', 'noon']],
  ['--speed', ['--speed', '3']],
  ['extra', ['extra']],
])('a bad %s is refused by name', (named, args) => {
  expect(() => parsePaymentsOptions(args)).toThrow(SimulatorUsageError)
  expect(() => parsePaymentsOptions(args)).toThrow(named)
})
