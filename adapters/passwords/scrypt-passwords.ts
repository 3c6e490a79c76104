/** Passwords hashed with scrypt, in the form that better-auth checks. */
import { randomInt } from 'node:crypto'

import type { Passwords } from '../../domain/ports/passwords.ts'

/** Without characters that are taken for each other on a screen. */
const CHARACTERS = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
/** In groups that can be read aloud: 4 groups of 5 are 115 bits. */
const GROUPS = 4
const GROUP_LENGTH = 5

/** The passwords of this product. */
export function createScryptPasswords(): Passwords {
  return {
    random: () => Array.from({ length: GROUPS }, group).join('-'),
    async hash(password) {
      // Takes a tenth of a second to load, which only those pay who need it.
      const { hashPassword } = await import('better-auth/crypto')
      return hashPassword(password)
    },
  }
}

function group(): string {
  const character = () => CHARACTERS.charAt(randomInt(CHARACTERS.length))
  return Array.from({ length: GROUP_LENGTH }, character).join('')
}
