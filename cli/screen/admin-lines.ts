/** What is told, once, of an admin that was made. Pure. */
import type { MadeAdmin } from '../../operations/manage-users.ts'
import { fieldLines } from './table.ts'

/** The lines. The password is on no other page, in no file and in no log. */
export function adminLines({ name, email, password }: MadeAdmin): string[] {
  return [
    `admin ${name}: the password is shown this once and must be changed at the first sign-in`,
    ...fieldLines([
      ['  e-mail', email],
      ['  password', password],
    ]),
  ]
}
