/** From words to what channels carry: plain text, HTML and a short form. Pure. */
import type { HolderTemplate, MessageLocale } from '../notification.ts'
import type { MessageFacts, MessageWords, Words } from './message-facts.ts'
import { WORDS_DE, WORDS_DE_2 } from './words-de.ts'
import { WORDS_EN, WORDS_EN_2 } from './words-en.ts'

/** A message in all forms that channels need. */
export type RenderedMessage = {
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly short: string
}

/** What operators are told. Nothing of a holder is in it. */
export type OperatorNotice = {
  readonly severity: 'info' | 'warning' | 'critical' | 'recovered'
  readonly subject: string
  readonly text: string
}

/** There are no words for this version: the code is older or newer than what is queued. Retried. */
export class UnknownTemplateError extends Error {
  override readonly name = 'UnknownTemplateError'
}

/** Every version that may still be queued, by language. */
const WORDS: Readonly<Record<number, Readonly<Record<MessageLocale, Words>>>> = {
  1: { en: WORDS_EN, de: WORDS_DE },
  2: { en: WORDS_EN_2, de: WORDS_DE_2 },
}

/** Writes a message to a holder. Throws UnknownTemplateError. */
export function renderHolderMessage(
  { template, version }: { readonly template: HolderTemplate; readonly version: number },
  locale: MessageLocale,
  facts: MessageFacts,
): RenderedMessage {
  const words = WORDS[version]?.[locale]
  if (words === undefined) {
    throw new UnknownTemplateError(`no words for ${template} version ${version} in ${locale}`)
  }
  return inAllForms(words[template](facts), locale)
}

const SEVERITY_WORDS = {
  info: 'info',
  warning: 'warning',
  critical: 'CRITICAL',
  recovered: 'recovered',
} as const

/** Writes a message to operators, in English. */
export function renderOperatorNotice(notice: OperatorNotice): RenderedMessage {
  const subject = `[${SEVERITY_WORDS[notice.severity]}] ${notice.subject}`
  return inAllForms({ subject, short: subject, paragraphs: notice.text.split(/\n{2,}/) }, 'en')
}

function inAllForms({ subject, short, paragraphs }: MessageWords, locale: string): RenderedMessage {
  return {
    subject: oneLine(subject),
    short: oneLine(short),
    text: `${paragraphs.join('\n\n')}\n`,
    html: htmlPage({ subject, paragraphs, locale }),
  }
}

/** A subject is one header line whatever somebody's name or a job's error holds. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{C}+/gu, ' ').trim()
}

type Page = {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly locale: string
}

/** Nothing is loaded from elsewhere: no image, no font, no script. */
function htmlPage({ subject, paragraphs, locale }: Page): string {
  const body = paragraphs
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br>')}</p>`)
    .join('\n')
  return [
    '<!doctype html>',
    `<html lang="${escapeHtml(locale)}">`,
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    `<title>${escapeHtml(subject)}</title>`,
    '</head>',
    '<body style="font-family: sans-serif; max-width: 40em; margin: 1em auto; line-height: 1.5">',
    body,
    '</body>',
    '</html>',
    '',
  ].join('\n')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
