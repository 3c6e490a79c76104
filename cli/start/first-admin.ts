/** The first admin of an installation: made at its first start, the password told once. */
import { createScryptPasswords } from '../../adapters/passwords/scrypt-passwords.ts'
import type { Database } from '../../db/client.ts'
import { createClockStore } from '../../db/stores/clock-store.ts'
import { createUserStore } from '../../db/stores/user-store.ts'
import { createFirstAdmin, FIRST_ADMIN } from '../../operations/manage-users.ts'
import { createVirtualClock } from '../../platform/clock/virtual-clock.ts'
import { loginActor } from '../note-options.ts'
import { adminLines } from '../screen/admin-lines.ts'

/** Makes it when nobody can sign in yet, and notes how to. */
export async function tellFirstAdmin(db: Database, onNote: (text: string) => void): Promise<void> {
  const users = createUserStore(db)
  if (await users.isAny()) return
  const made = await createFirstAdmin(
    {
      users,
      clock: createVirtualClock(createClockStore(db)),
      passwords: createScryptPasswords(),
    },
    { ...FIRST_ADMIN, by: loginActor(), reason: 'first start' },
  )
  for (const line of made === null ? [] : adminLines(made)) onNote(line)
}
