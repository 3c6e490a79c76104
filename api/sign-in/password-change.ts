/** What somebody is told whose password was made by somebody else. */
import { ProblemError } from '../problem.ts'

/** The answer to everything but a change of the password, and signing out. */
export function passwordChangeRequired(): ProblemError {
  const detail = 'choose a password of your own first: POST /api/auth/change-password'
  return new ProblemError(403, 'password-change-required', detail)
}
