/**
 * Mails about accounts: invitations, resets, addresses to be verified. They hold codes that open an
 * account, so they are sent at once over SMTP and kept nowhere; who gets none asks again.
 */
import { randomUUID } from 'node:crypto'

import type { Notifier, SendOutcome } from '../../domain/ports/notifier.ts'

/** What a mail is about. */
export type AccountMailKind = 'invitation' | 'password-reset' | 'email-verification'

/** A mail to be sent. */
export type AccountMail = {
  readonly kind: AccountMailKind
  readonly to: { readonly name: string; readonly email: string }
  /** Opens what the mail is about. */
  readonly link: string
}

/** Sends account mails. */
export type AccountMails = { readonly send: (mail: AccountMail) => Promise<SendOutcome> }

type Words = { readonly subject: string; readonly says: string; readonly otherwise: string }

const WORDS: Readonly<Record<AccountMailKind, Words>> = {
  invitation: {
    subject: 'You are invited to Groundstop',
    says: 'An account was made for you. Choose its password within 24 hours:',
    otherwise: 'If you expected no invitation, do nothing: the account stays closed.',
  },
  'password-reset': {
    subject: 'Your Groundstop password',
    says: 'Somebody, probably you, asked for a new password. Choose it within an hour:',
    otherwise: 'If it was not you, do nothing: your password stays as it is.',
  },
  'email-verification': {
    subject: 'Your address at Groundstop',
    says: 'Confirm within 24 hours that this address is yours:',
    otherwise: 'If you have no account with us, do nothing.',
  },
}

/** Mails over a channel. */
export function createAccountMails(notifier: Notifier): AccountMails {
  return {
    send: ({ kind, to, link }) => {
      const { subject, says, otherwise } = WORDS[kind]
      const text = [`Hello ${to.name},`, '', says, '', link, '', otherwise, ''].join('\n')
      return notifier.send({
        notificationId: randomUUID(),
        address: { kind: 'email', email: to.email, name: to.name },
        subject,
        text,
        short: subject,
        html: [`Hello ${to.name},`, says, anchor(link), otherwise].map(paragraph).join(''),
        locale: 'en',
        data: { event: kind },
      })
    },
  }
}

/** Names and links of ours hold no character that HTML would read. */
function paragraph(text: string): string {
  return `<p>${text}</p>`
}

function anchor(link: string): string {
  const written = link.replaceAll('&', '&amp;')
  return `<a href="${written}">${written}</a>`
}
