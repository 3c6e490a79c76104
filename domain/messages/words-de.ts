/** Messages to holders in German. */
import type { AppliedRule } from '../explain-rule.ts'
import type { Instant } from '../time.ts'
import { calendarDateIn, dateIn, moneyIn, shareIn, timeIn } from './locale-format.ts'
import type { MessageFacts, MessageWords, Words } from './message-facts.ts'

/** German words, version 1 of every template. */
export const WORDS_DE: Words = {
  'policy-bound': (facts) =>
    letter(facts, {
      subject: `Ihr Schutz für Flug ${facts.flight.ident}: Police ${facts.policyNumber}`,
      short: `Police ${facts.policyNumber} versichert ${flightText(facts)}.`,
      paragraphs: [
        `Ihr Flug ist versichert. Police ${facts.policyNumber} versichert ${flightText(facts)} mit bis ` +
          `zu ${moneyIn('de', facts.sumInsured)}.`,
        `Versicherte Ankunft ist ${momentAt(facts, facts.insuredArrival)}. Dabei bleibt es, auch wenn ` +
          'die Fluggesellschaft ihren Flugplan später ändert.',
        'Sie müssen nichts tun: Wir beobachten den Flug selbst und zahlen ohne Antrag, wenn er ' +
          'hinreichend verspätet ist, ausfällt oder sein Ziel nicht erreicht.',
      ],
    }),
  'policy-cancelled': (facts) =>
    letter(facts, {
      subject: `Police ${facts.policyNumber} ist storniert`,
      short: `Police ${facts.policyNumber} ist auf Ihren Wunsch storniert; es besteht kein Schutz mehr.`,
      paragraphs: [
        `Police ${facts.policyNumber} für ${flightText(facts)} ist auf Ihren Wunsch storniert. Für diesen ` +
          'Flug besteht kein Schutz mehr.',
        'Falls Sie das nicht gewünscht haben, schreiben Sie uns bitte sofort an die Adresse auf Ihrer Police.',
      ],
    }),
  'policy-endorsed': (facts) => {
    const { endorsement } = facts
    return letter(facts, {
      subject: `Police ${facts.policyNumber}: neuer Flugplan für Flug ${facts.flight.ident}`,
      short:
        `Police ${facts.policyNumber} versichert nun die Ankunft am ` +
        `${momentAt(facts, facts.insuredArrival)}: Die Fluggesellschaft hat ihren Flugplan geändert.`,
      paragraphs: [
        `Die Fluggesellschaft hat den Flugplan für ${flightText(facts)} einen Tag oder länger vor dem ` +
          'Abflug geändert; Ihre Police geht mit. Sie müssen nichts tun.',
        ...(endorsement === null
          ? []
          : [
              `Abflug: ${departureAt(facts, endorsement.newScheduledOut)}, statt ` +
                `${departureAt(facts, endorsement.oldScheduledOut)}.`,
              `Versicherte Ankunft: ${momentAt(facts, endorsement.newScheduledIn)}, statt ` +
                `${momentAt(facts, endorsement.oldScheduledIn)}. Eine Verspätung zählt ab der neuen Ankunft; ` +
                'eine Änderung, die weniger als einen Tag vor dem Abflug bekannt wird, verschiebt sie nicht ' +
                'mehr und gilt als Verspätung.',
            ]),
        ...(endorsement?.isRefundOffered === true
          ? [
              'Seit dem Kauf hat sich der Flugplan um mehr als eine Stunde verschoben. Wenn Ihnen der Flug nicht mehr passt, ' +
                'können Sie die Police bis zum Abflug stornieren und erhalten die ganze Prämie zurück.',
            ]
          : []),
      ],
    })
  },
  'policy-in-review': (facts) =>
    letter(facts, {
      subject: `Police ${facts.policyNumber} wird noch geprüft`,
      short: `Police ${facts.policyNumber}: Ihr Flug wird von einem Menschen geprüft. Sie müssen nichts tun.`,
      paragraphs: [
        `Über Police ${facts.policyNumber} für ${flightText(facts)} ist noch nicht entschieden. Die ` +
          'Meldungen über den Flug oder die Zahlung ließen sich nicht von selbst klären; deshalb prüft ' +
          'sie ein Mensch.',
        'Sie müssen nichts tun. Wenn Sie eine Bordkarte oder eine Bestätigung der Fluggesellschaft über ' +
          'die Verspätung haben, können Sie sie uns schicken; das kann helfen.',
      ],
    }),
  'policy-not-paid': (facts) => notPaid(facts, appealText(facts)),
  'payout-paid': (facts) =>
    letter(facts, {
      subject: `Wir haben Ihnen ${amountText(facts)} gezahlt`,
      short: `Wir haben Ihnen ${amountText(facts)} aus Police ${facts.policyNumber} gezahlt.`,
      paragraphs: [
        `Wir haben Ihnen ${amountText(facts)} aus Police ${facts.policyNumber} für ${flightText(facts)} ` +
          `gezahlt. Das Geld ging${facts.paidAt === null ? '' : ` am ${dateIn('de', facts.paidAt, 'UTC')}`} ` +
          'auf das von Ihnen genannte Konto; bis Ihre Bank es zeigt, können einige Tage vergehen.',
        ...arrivalText(facts),
        ...ruleText(facts),
        AIRLINE,
      ],
    }),
  'payout-returned': (facts) =>
    letter(facts, {
      subject: `Ihre Zahlung zu Police ${facts.policyNumber} kam zurück`,
      short: `Die Zahlung zu Police ${facts.policyNumber} kam zurück. Bitte prüfen Sie Ihr Konto.`,
      paragraphs: [
        `Wir haben Ihnen ${amountText(facts)} aus Police ${facts.policyNumber} gezahlt, und Ihre Bank hat ` +
          'das Geld zurückgeschickt. Es steht Ihnen weiterhin zu.',
        'Bitte prüfen Sie das Konto, das Sie uns genannt haben, und schreiben Sie uns an die Adresse auf ' +
          'Ihrer Police, wenn es sich geändert hat. Wir zahlen erneut, sobald das Konto stimmt.',
      ],
    }),
  'appeal-received': (facts) =>
    letter(facts, {
      subject: `Ihr Widerspruch zu Police ${facts.policyNumber} ist eingegangen`,
      short: `Ihr Widerspruch zu Police ${facts.policyNumber} ist eingegangen. Ein Mensch prüft den Fall noch einmal.`,
      paragraphs: [
        `Ihr Widerspruch${appealedOn(facts)} zu Police ${facts.policyNumber} für ${flightText(facts)} ist ` +
          'eingegangen. Ein Mensch prüft die Belege nun noch einmal; wir teilen Ihnen Ergebnis und Gründe mit.',
        'Bis dahin gilt, was entschieden wurde. Was wir Ihnen gezahlt haben, bleibt in jedem Fall Ihres.',
      ],
    }),
  'appeal-stands': (facts) =>
    letter(facts, {
      subject: `Ihr Widerspruch zu Police ${facts.policyNumber}: Es bleibt bei der Entscheidung`,
      short: `Police ${facts.policyNumber}: Nach Ihrem Widerspruch bleibt es bei der Entscheidung. Die Gründe stehen in unserem Schreiben.`,
      paragraphs: [
        `Auf Ihren Widerspruch${appealedOn(facts)} hat ein Mensch Police ${facts.policyNumber} für ` +
          `${flightText(facts)} noch einmal geprüft. Es bleibt bei der Entscheidung; mehr wird nicht gezahlt.`,
        ...groundsText(facts),
        openAgainText(facts),
      ],
    }),
  'appeal-upheld': (facts) =>
    letter(facts, {
      subject: `Ihr Widerspruch zu Police ${facts.policyNumber}: Wir zahlen ${amountText(facts)} mehr`,
      short: `Police ${facts.policyNumber}: Auf Ihren Widerspruch zahlen wir ${amountText(facts)} mehr.`,
      paragraphs: [
        `Auf Ihren Widerspruch${appealedOn(facts)} hat ein Mensch Police ${facts.policyNumber} für ` +
          `${flightText(facts)} noch einmal geprüft. Wir zahlen Ihnen ${amountText(facts)} mehr; sobald die ` +
          'Zahlung erfolgt ist, schreiben wir Ihnen noch einmal.',
        ...groundsText(facts),
      ],
    }),
}

/** Version 2 where the words changed: a new timetable, the refund, until when a denial may be appealed. */
export const WORDS_DE_2: Words = {
  ...WORDS_DE,
  'policy-not-paid': (facts) => notPaid(facts, appealUntilText(facts)),
  'policy-bound': (facts) =>
    letter(facts, {
      subject: `Ihr Schutz für Flug ${facts.flight.ident}: Police ${facts.policyNumber}`,
      short: `Police ${facts.policyNumber} versichert ${flightText(facts)}.`,
      paragraphs: [
        `Ihr Flug ist versichert. Police ${facts.policyNumber} versichert ${flightText(facts)} mit bis ` +
          `zu ${moneyIn('de', facts.sumInsured)}.`,
        `Versicherte Ankunft ist ${momentAt(facts, facts.insuredArrival)}. Gibt die Fluggesellschaft einen ` +
          'Tag oder länger vor dem Abflug einen anderen Flugplan bekannt, so versichern wir diesen und ' +
          'schreiben Ihnen; eine spätere Änderung gilt als Verspätung, und die versicherte Ankunft bleibt.',
        'Sie müssen nichts tun: Wir beobachten den Flug selbst und zahlen ohne Antrag, wenn er ' +
          'hinreichend verspätet ist, ausfällt oder sein Ziel nicht erreicht.',
      ],
    }),
  'policy-cancelled': (facts) =>
    letter(facts, {
      subject: `Police ${facts.policyNumber} ist storniert`,
      short: `Police ${facts.policyNumber} ist auf Ihren Wunsch storniert; es besteht kein Schutz mehr.`,
      paragraphs: [
        `Police ${facts.policyNumber} für ${flightText(facts)} ist auf Ihren Wunsch storniert. Für diesen ` +
          'Flug besteht kein Schutz mehr.',
        ...(facts.refund === null
          ? []
          : [
              `Ihre ganze Prämie von ${moneyIn('de', facts.refund)} geht dorthin zurück, wo Sie die Police ` +
                'gekauft haben, und von dort an Sie.',
            ]),
        'Falls Sie das nicht gewünscht haben, schreiben Sie uns bitte sofort an die Adresse auf Ihrer Police.',
      ],
    }),
}

/** A reasoned denial: schedule, arrival, source, rule, and how to appeal. */
function notPaid(facts: MessageFacts, appeal: string): MessageWords {
  return letter(facts, {
    subject: `Police ${facts.policyNumber} zahlt nicht für Flug ${facts.flight.ident}`,
    short:
      `Police ${facts.policyNumber} zahlt nicht für Flug ${facts.flight.ident}. ` +
      'Die Gründe stehen in unserem Schreiben; Sie können widersprechen.',
    paragraphs: [
      `Police ${facts.policyNumber} zahlt nicht für ${flightText(facts)}. Das sind die Gründe.`,
      `Flugplan: Die versicherte Ankunft war ${momentAt(facts, facts.insuredArrival)}.`,
      ...arrivalText(facts),
      ...sourceText(facts),
      ...ruleText(facts),
      appeal,
      AIRLINE,
    ],
  })
}

const AIRLINE =
  'Dieser Schutz ist unabhängig davon, was Ihnen die Fluggesellschaft schuldet. Sie können daneben ein ' +
  'Recht auf Erstattung oder Ausgleich gegen die Fluggesellschaft haben, etwa nach der Verordnung (EG) ' +
  'Nr. 261/2004 oder nach den Erstattungsregeln des US-Verkehrsministeriums; wenden Sie sich dafür an ' +
  'die Fluggesellschaft.'

function letter(facts: MessageFacts, words: MessageWords): MessageWords {
  const greeting = facts.displayName === null ? 'Guten Tag,' : `Guten Tag ${facts.displayName},`
  return { ...words, paragraphs: [greeting, ...words.paragraphs, 'Ihre Versicherung'] }
}

function flightText({ flight }: MessageFacts): string {
  const date = calendarDateIn('de', flight.departureDate)
  return `Flug ${flight.ident} von ${flight.origin} nach ${flight.destination} am ${date}`
}

function momentAt({ flight }: MessageFacts, instant: Instant): string {
  const zone = flight.destinationZone
  return `${dateIn('de', instant, zone)}, ${timeIn('de', instant, zone)} Uhr Ortszeit in ${flight.destination}`
}

function departureAt({ flight }: MessageFacts, instant: Instant): string {
  const zone = flight.originZone
  return `${dateIn('de', instant, zone)}, ${timeIn('de', instant, zone)} Uhr Ortszeit in ${flight.origin}`
}

function amountText({ amount }: MessageFacts): string {
  return amount === null ? 'den fälligen Betrag' : moneyIn('de', amount)
}

function arrivalText(facts: MessageFacts): string[] {
  const { actualArrival, delayMin } = facts
  if (actualArrival === null || delayMin === null) {
    return ['Ankunft: Eine Ankunft am versicherten Ziel wurde nicht gemeldet.']
  }
  const what =
    actualArrival.kind === 'GATE'
      ? 'Der Flug kam am Gate an am'
      : 'Eine Ankunft am Gate wurde nie gemeldet; der Flug setzte auf am'
  return [`Ankunft: ${what} ${momentAt(facts, actualArrival.at)}, ${delayText(delayMin)}.`]
}

function delayText(delayMin: number): string {
  if (delayMin === 0) return 'pünktlich'
  return `${minutes(Math.abs(delayMin))} zu ${delayMin > 0 ? 'spät' : 'früh'}`
}

function minutes(count: number): string {
  return `${count} ${count === 1 ? 'Minute' : 'Minuten'}`
}

function sourceText({ sources }: MessageFacts): string[] {
  return sources.length === 0 ? [] : [`Quelle: Flugdaten von ${sources.join(' und ')}.`]
}

function ruleText({ rule, sumInsured, amount }: MessageFacts): string[] {
  if (rule === null) return []
  const paid = amount === null ? '' : `, also ${moneyIn('de', amount)}`
  const pays = rule.isMet
    ? `Produkt ${rule.productCode} zahlt dafür ${shareIn('de', rule.bps)} der Versicherungssumme von ` +
      `${moneyIn('de', sumInsured)}${paid}.`
    : `Produkt ${rule.productCode} zahlt dafür nichts.`
  return [`Regel: ${whatRule(rule)} ${pays}`]
}

function whatRule(rule: AppliedRule): string {
  const { kind, thresholdMin, marginMin, isMet, productCode } = rule
  switch (kind) {
    case 'CANCELLED':
      return 'Der Flug fiel aus.'
    case 'NOT_REACHED':
      return 'Der Flug erreichte sein Ziel bis zum Ende des Schutzes nicht.'
    case 'PERSON':
      return 'Ein Mensch hat dies nach Prüfung der Belege entschieden.'
    case 'DELAY':
      if (thresholdMin === null || marginMin === null) return 'Der Flug war verspätet.'
      return isMet
        ? `Eine Verspätung von ${minutes(thresholdMin)} wurde erreicht.`
        : `Produkt ${productCode} zahlt ab einer Verspätung von ${minutes(thresholdMin)} am Ziel, ` +
            `gezählt in vollen Minuten; daran ${marginMin === 1 ? 'fehlte' : 'fehlten'} ${minutes(marginMin)}.`
  }
}

function appealText({ policyNumber, decisionReference }: MessageFacts): string {
  const reference =
    decisionReference === null ? '' : ` und dem Zeichen der Entscheidung ${decisionReference}`
  return (
    `Widerspruch: Wenn Sie das für falsch halten, schreiben Sie uns an die Adresse auf Ihrer Police, mit ` +
    `der Policennummer ${policyNumber}${reference}, und fügen Sie bei, was Sie haben: eine Bordkarte oder ` +
    'eine Bestätigung der Fluggesellschaft oder des Flughafens. Dann prüft ein Mensch den Fall noch ' +
    'einmal. Sind Sie danach anderer Meinung, können Sie sich an die Versicherungsaufsicht oder die ' +
    'Ombudsstelle Ihres Landes wenden.'
  )
}

function appealUntilText({ policyNumber, decisionReference, lastAppealDay }: MessageFacts): string {
  const reference =
    decisionReference === null ? '' : ` und dem Zeichen der Entscheidung ${decisionReference}`
  const until =
    lastAppealDay === null ? '' : ` bis einschließlich ${dateIn('de', lastAppealDay, 'UTC')} (UTC)`
  return (
    `Widerspruch: Wenn Sie das für falsch halten, können Sie${until} widersprechen: Schreiben Sie uns an ` +
    `die Adresse auf Ihrer Police, mit der Policennummer ${policyNumber}${reference}, und fügen Sie bei, ` +
    'was Sie haben: eine Bordkarte oder eine Bestätigung der Fluggesellschaft oder des Flughafens. Wir ' +
    'bestätigen den Eingang, ein Mensch prüft den Fall noch einmal, und wir teilen Ihnen Ergebnis und ' +
    'Gründe mit. Sind Sie danach anderer Meinung, können Sie sich an die Versicherungsaufsicht oder die ' +
    'Ombudsstelle Ihres Landes wenden.'
  )
}

function appealedOn({ appeal }: MessageFacts): string {
  return appeal === null ? '' : ` vom ${dateIn('de', appeal.filedAt, 'UTC')}`
}

function groundsText({ appeal }: MessageFacts): string[] {
  return appeal === null || appeal.grounds === null ? [] : [`Die Gründe: ${appeal.grounds}`]
}

function openAgainText({ lastAppealDay, appeal }: MessageFacts): string {
  const isOver = lastAppealDay === null || (appeal?.decidedAt ?? lastAppealDay) >= lastAppealDay
  const again = isOver
    ? ''
    : 'Haben Sie neue Belege, können Sie bis einschließlich ' +
      `${dateIn('de', lastAppealDay, 'UTC')} (UTC) noch einmal widersprechen. `
  return (
    `${again}Sind Sie anderer Meinung, können Sie sich an die Versicherungsaufsicht oder die Ombudsstelle ` +
    'Ihres Landes wenden.'
  )
}
