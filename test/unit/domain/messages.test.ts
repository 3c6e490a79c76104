/**
 * The words of every message in every language, as files: read them as a holder would. Written anew by
 * `npx vitest run test/unit/domain/messages.test.ts -u`.
 */
import { expect, test } from 'vitest'

import type { AppliedRule } from '../../../domain/explain-rule.ts'
import { moneyIn, shareIn } from '../../../domain/messages/locale-format.ts'
import type { MessageFacts } from '../../../domain/messages/message-facts.ts'
import {
  renderHolderMessage,
  renderOperatorNotice,
  UnknownTemplateError,
} from '../../../domain/messages/render.ts'
import { currency, minorUnits } from '../../../domain/money.ts'
import {
  HOLDER_TEMPLATES,
  MESSAGE_LOCALES,
  TEMPLATE_VERSIONS,
} from '../../../domain/notification.ts'
import { parseInstant, parseLocalDate } from '../../../domain/time.ts'

const USD = currency('USD')

const RULE: AppliedRule = {
  kind: 'DELAY',
  productCode: 'FD45',
  productVersion: 1,
  thresholdMin: 120,
  isMet: true,
  marginMin: 12,
  bps: 6_000,
  text: 'A delay of 120 minutes was reached with 12 minutes to spare; product FD45 pays 60%.',
}

/** On the night of 9 to 10 March 2013 the clocks in New York were moved. */
function facts(change: Partial<MessageFacts> = {}): MessageFacts {
  return {
    policyNumber: 'P-1001',
    displayName: 'Zoë Müller',
    flight: {
      ident: 'B6 35',
      origin: 'JFK',
      destination: 'PBI',
      departureDate: parseLocalDate('2013-03-09'),
      originZone: 'America/New_York',
      destinationZone: 'America/New_York',
    },
    insuredArrival: parseInstant('2013-03-10T04:30:00Z'),
    endorsement: {
      oldScheduledOut: parseInstant('2013-03-10T00:10:00Z'),
      oldScheduledIn: parseInstant('2013-03-10T03:20:00Z'),
      newScheduledOut: parseInstant('2013-03-10T01:20:00Z'),
      newScheduledIn: parseInstant('2013-03-10T04:30:00Z'),
      announcedAt: parseInstant('2013-03-08T06:00:00Z'),
      isRefundOffered: true,
    },
    refund: { minor: minorUnits(1_250), currency: USD },
    coverEnd: parseInstant('2013-03-11T04:30:00Z'),
    sumInsured: { minor: minorUnits(250_000), currency: USD },
    actualArrival: { at: parseInstant('2013-03-10T07:42:00Z'), kind: 'GATE' },
    delayMin: 192,
    rule: RULE,
    amount: { minor: minorUnits(150_000), currency: USD },
    paidAt: parseInstant('2013-03-10T08:00:00Z'),
    sources: ['aeroapi', 'aviationstack'],
    decisionReference: '5a0f0c2e-0000-5000-8000-000000000001',
    lastAppealDay: parseInstant('2013-05-09T23:59:59.999Z'),
    appeal: {
      filedAt: parseInstant('2013-03-20T14:00:00Z'),
      result: 'STANDS',
      grounds: 'the airline confirms the arrival',
      more: null,
      decidedAt: parseInstant('2013-03-22T09:00:00Z'),
    },
    ...change,
  }
}

const MISSED = facts({
  actualArrival: { at: parseInstant('2013-03-10T05:14:00Z'), kind: 'GATE' },
  delayMin: 44,
  amount: { minor: minorUnits(0), currency: USD },
  paidAt: null,
  rule: {
    ...RULE,
    thresholdMin: 45,
    isMet: false,
    marginMin: 1,
    bps: 0,
    text:
      'Product FD45 pays from a delay of 45 minutes at the destination, counted in whole minutes; ' +
      'that was missed by 1 minute.',
  },
})

const all = HOLDER_TEMPLATES.flatMap((template) =>
  MESSAGE_LOCALES.map((locale) => ({ template, locale })),
)

test.each(all)('$template in $locale', async ({ template, locale }) => {
  const version = TEMPLATE_VERSIONS[template]
  const told = template === 'policy-not-paid' ? MISSED : facts()
  const { subject, short, text, html } = renderHolderMessage({ template, version }, locale, told)
  const file = `Subject: ${subject}\nShort: ${short}\n\n${text}\n---\n${html}`
  await expect(file).toMatchFileSnapshot(`messages/${template}.v${version}.${locale}.txt`)
})

test.each(MESSAGE_LOCALES)(
  'words that were queued before they changed are kept in %s',
  (locale) => {
    const words = { en: ['It stays the measure', 'premium'], de: ['Dabei bleibt es', 'Prämie'] }[
      locale
    ]
    const textOf = (template: 'policy-bound' | 'policy-cancelled', version: number) =>
      renderHolderMessage({ template, version }, locale, facts()).text
    expect(
      [1, 2].map((version) => textOf('policy-bound', version).includes(words[0] ?? '')),
    ).toEqual([true, false])
    expect(
      [1, 2].map((version) => textOf('policy-cancelled', version).includes(words[1] ?? '')),
    ).toEqual([false, true])
  },
)

test.each(MESSAGE_LOCALES)(
  'no refund is offered or told of in %s where there is none',
  (locale) => {
    const told = facts()
    const small = { ...told, refund: null, endorsement: null }
    const texts = (['policy-endorsed', 'policy-cancelled'] as const).map(
      (template) =>
        renderHolderMessage({ template, version: TEMPLATE_VERSIONS[template] }, locale, small).text,
    )
    expect(texts.join(' ')).not.toMatch(/premium|Prämie/)
  },
)

test.each(MESSAGE_LOCALES)(
  'a denial in %s has schedule, arrival, source, rule and appeal',
  (locale) => {
    const { text } = renderHolderMessage(
      { template: 'policy-not-paid', version: 1 },
      locale,
      MISSED,
    )
    const parts = {
      en: [
        'Schedule:',
        'Arrival:',
        'Source: flight data of aeroapi and aviationstack',
        'Rule:',
        'Appeal:',
      ],
      de: [
        'Flugplan:',
        'Ankunft:',
        'Quelle: Flugdaten von aeroapi und aviationstack',
        'Regel:',
        'Widerspruch:',
      ],
    }
    for (const part of parts[locale]) expect(text).toContain(part)
    expect(text).toContain('5a0f0c2e-0000-5000-8000-000000000001')
    expect(text).toContain('P-1001')
    expect(text).toContain('261/2004')
  },
)

test.each([
  ['en', 1, false],
  ['en', 2, true],
  ['de', 1, false],
  ['de', 2, true],
] as const)('a denial in %s of version %i says until when to appeal: %s', (locale, version, is) => {
  const { text } = renderHolderMessage({ template: 'policy-not-paid', version }, locale, MISSED)
  expect(/9 May 2013 \(UTC\)|9\. Mai 2013 \(UTC\)/.test(text)).toBe(is)
})

test.each([
  ['2013-05-09T23:59:59.998Z', true],
  ['2013-05-09T23:59:59.999Z', false],
])('who lost an appeal at %s is told of another one: %s', (decidedAt, isTold) => {
  const told = facts()
  if (told.appeal === null) throw new Error('no appeal')
  const appeal = { ...told.appeal, decidedAt: parseInstant(decidedAt) }
  const of = (locale: 'en' | 'de') =>
    renderHolderMessage({ template: 'appeal-stands', version: 1 }, locale, { ...told, appeal }).text
  expect([
    of('en').includes('appeal again'),
    of('de').includes('noch einmal widersprechen'),
  ]).toEqual([isTold, isTold])
})

test('times are those on the wall at the destination, also on the night the clocks are moved', () => {
  const { text } = renderHolderMessage({ template: 'payout-paid', version: 1 }, 'en', facts())
  // 07:42 UTC is 03:42 in summer time; three hours and twelve minutes after 23:30 the evening before.
  expect(text).toContain('Sunday, 10 March 2013, 03:42 local time at PBI, 192 minutes late')
})

test.each([
  ['USD', 150_000, 'USD 1,500.00', '1.500,00 USD'],
  ['JPY', 150_000, 'JPY 150,000', '150.000 JPY'],
  ['KWD', 1_234_567, 'KWD 1,234.567', '1.234,567 KWD'],
  ['EUR', 5, 'EUR 0.05', '0,05 EUR'],
  ['USD', Number.MAX_SAFE_INTEGER, 'USD 90,071,992,547,409.91', '90.071.992.547.409,91 USD'],
])('%s %i is written %j and %j', (code, minor, en, de) => {
  const amount = { minor: minorUnits(minor), currency: currency(code) }
  expect([moneyIn('en', amount), moneyIn('de', amount)]).toEqual([en, de])
})

test('shares are written with their decimals', () => {
  expect([shareIn('en', 6_000), shareIn('de', 1_250)]).toEqual(['60%', '12,5 %'])
})

test('a name cannot break out of the page or the subject line', () => {
  const told = facts({ displayName: '<script>alert(1)</script>&"' })
  const { html } = renderHolderMessage({ template: 'policy-bound', version: 1 }, 'en', told)
  expect(html).not.toContain('<script>')
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;')
  const subject = 'run failed\r\nBcc: x@example.com'
  expect(renderOperatorNotice({ severity: 'critical', subject, text: 'a' }).subject).toBe(
    '[CRITICAL] run failed Bcc: x@example.com',
  )
})

test('a version without words is said to be one', () => {
  expect(() =>
    renderHolderMessage({ template: 'policy-bound', version: 99 }, 'en', facts()),
  ).toThrow(UnknownTemplateError)
})
