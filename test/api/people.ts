/** People who sign in to the API of a rig, and read their mail. */
import { expect } from 'vitest'

import type { RunningMailServer } from '../../simulator/mail/mail-server.ts'
import { eventually, type Answer, type ApiRig } from './api-rig.ts'

export type People = ReturnType<typeof createPeople>

/** The cookies that an answer sets, as a browser sends them back. */
export function cookieOf({ headers }: Answer): string {
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

/** What people do at the API of a rig whose mails go to a mail server. */
export function createPeople(rig: ApiRig, mail: RunningMailServer) {
  return {
    /** The cookie of a session. */
    async signIn(email: string, password: string): Promise<string> {
      const body = { email, password }
      const answer = await rig.ask('POST', '/api/auth/sign-in/email', { body })
      expect(answer.status, JSON.stringify(answer.body)).toBe(200)
      return cookieOf(answer)
    },
    async session(cookie: string): Promise<{ session: object | null }> {
      const { body } = await rig.ask('GET', '/api/auth/get-session', { headers: { cookie } })
      return body as { session: object | null }
    },
    /** The code of the newest mail to an address, once it is there. */
    codeFor: (address: string, subject: RegExp): Promise<string> =>
      eventually(async () => {
        const list = (await (await fetch(`${mail.url}/messages`)).json()) as {
          messages: { n: number; to: string[]; subject: string }[]
        }
        const found = list.messages.filter(
          (one) => one.to.includes(address) && subject.test(one.subject),
        )
        const newest = Math.max(...found.map(({ n }) => n))
        const { text } = (await (await fetch(`${mail.url}/messages/${newest}`)).json()) as {
          text: string
        }
        const [, code = ''] = /token=([^\s&]+)/.exec(text) ?? []
        expect(code).not.toBe('')
        return decodeURIComponent(code)
      }),
  }
}
