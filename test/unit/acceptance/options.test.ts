import { describe, expect, test } from 'vitest'

import { parseOptions } from '../../../acceptance/options.ts'

describe('the command line of an acceptance run', () => {
  test('needs a first day and says the rest itself', () => {
    const { plan, profiles } = parseOptions(['--from', '2013-02-08'])
    expect(plan).toMatchObject({
      from: '2013-02-08',
      days: 1,
      products: ['FD45', 'FD120', 'FD180'],
      policiesPerLeg: 1,
      share: 1,
      sources: 2,
      minStepMs: 600_000,
    })
    expect(profiles.map(({ name }) => name)).toEqual(['none'])
  })

  test.each([
    [[], '--from'],
    [['--from', '2013-2-8'], '--from'],
    [['--from', '2013-02-08', '--days', '0'], '--days'],
    [['--from', '2013-02-08', '--share', '0'], '--share'],
    [['--from', '2013-02-08', '--share', '1.1'], '--share'],
    [['--from', '2013-02-08', '--sources', '3'], '--sources'],
    [['--from', '2013-02-08', '--product', 'FD99'], '--product'],
    [['--from', '2013-02-08', '--faults', 'lat'], '--faults'],
    [['--from', '2013-02-08', '--fault', 'late'], "'--fault'"],
  ])('is refused by the name of what is wrong: %j', (args, name) => {
    expect(() => parseOptions(args)).toThrow(name)
  })
})
