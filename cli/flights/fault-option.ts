/** Faults of simulated sources, named on the command line and tried one by one. */
import {
  PROVIDER_FAULTS,
  SECOND_ALONE,
  type ProviderFault,
} from '../../domain/simulation/faulty-provider.ts'
import { accuracyOf } from '../../operations/backtest-accuracy.ts'
import { backtest, type BacktestInput } from '../../operations/backtest.ts'
import { CliError, EXIT } from '../cli-error.ts'

const SOURCES = ['first', 'second', 'both'] as const
const DEFAULT_RATE = 0.1
const NAME_WIDTH = 24

/** `conflict:first:0.1:30`: name, source (first), share of legs (0.1), minutes (the fault's own). */
export function parseFault(text: string): ProviderFault {
  const [nameText = '', ofText = 'first', rateText, minutesText, ...rest] = text.split(':')
  const name = PROVIDER_FAULTS.find((known) => known === nameText)
  const of = SOURCES.find((known) => known === ofText)
  const rate = rateText === undefined ? DEFAULT_RATE : Number(rateText)
  const minutes = minutesText === undefined ? undefined : Number(minutesText)
  if (name === undefined) {
    throw usage(`"${nameText}" is none of ${PROVIDER_FAULTS.join(', ')}, all`)
  }
  if (of === undefined || rest.length > 0 || !(rate >= 0 && rate <= 1)) {
    throw usage(`"${text}" is not name:first|second|both:rate:minutes, as conflict:first:0.1:30`)
  }
  if (minutes !== undefined && !Number.isInteger(minutes)) {
    throw usage(`"${minutesText}" is not a whole number of minutes`)
  }
  return { name, of, rate, minutes }
}

/** A line per fault and source: what it makes of the first product's decisions. */
export function* faultTable(input: BacktestInput, signal: AbortSignal): Generator<string> {
  yield ['fault'.padEnd(NAME_WIDTH), 'source', 'false pays', 'false denials', 'in review'].join(
    '  ',
  )
  for (const source of ['first', 'second'] as const) {
    if (source === 'second' && input.sources !== 'two-sources') return
    for (const name of PROVIDER_FAULTS) {
      if (source === 'first' && SECOND_ALONE.has(name)) continue
      const faults = [{ name, of: source, rate: DEFAULT_RATE }]
      const results = backtest({ ...input, faults }, { signal })
      const { falsePays, falseDenials, reviewShare } = accuracyOf(
        results,
        input.pack,
        input.products,
        0,
      )
      yield [
        name.padEnd(NAME_WIDTH),
        source.padEnd('source'.length),
        String(falsePays).padStart('false pays'.length),
        String(falseDenials).padStart('false denials'.length),
        `${(100 * reviewShare).toFixed(2)} %`.padStart('in review'.length),
      ].join('  ')
    }
  }
}

function usage(message: string): CliError {
  return new CliError(`--fault: ${message}`, EXIT.usage)
}
