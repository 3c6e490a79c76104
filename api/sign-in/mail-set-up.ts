/** What somebody is told who asks for a mail where none leaves. */
import { ProblemError } from '../problem.ts'
import type { SignIn } from './sign-in.ts'

/** Throws a 409 problem when no mail with a link can be sent. */
export async function requireMail({ canMail }: Pick<SignIn, 'canMail'>): Promise<void> {
  if (await canMail()) return
  const detail = 'no mail leaves this installation: set SMTP_URL, NOTIFY_FROM and API_PUBLIC_URL'
  throw new ProblemError(409, 'mail-not-set-up', detail)
}
