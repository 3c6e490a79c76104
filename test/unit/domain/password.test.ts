import { describe, expect, test } from 'vitest'

import { passwordProblem } from '../../../domain/password.ts'

const ANN = { name: 'ann.miller', email: 'ann@example.com' }

describe('a password', () => {
  test.each([
    'correct horse battery',
    'tulpe-kanal-orgel',
    'hT9#kw2Lq8!z',
    'zwölf Zeichen',
    'kittiwake admin roost',
  ])('is taken: %s', (password) => {
    expect(passwordProblem(password, ANN)).toBeNull()
  })

  test('is too short with 11 characters', () => {
    expect(passwordProblem('hT9#kw2Lq8!', ANN)).toBe('at least 12 characters')
  })

  test('is too long with 129 characters, not with 128', () => {
    const text = 'hT9#kw2Lq8!zvB'.repeat(10)
    expect(passwordProblem(text.slice(0, 128), ANN)).toBeNull()
    expect(passwordProblem(text.slice(0, 129), ANN)).toBe('at most 128 characters')
  })

  test.each([
    'password1234',
    'Password2026!',
    'P@ssw0rd!P@ssw0rd?',
    'Welcome12345',
    'qwertyuiop12',
    'qwertzuiop123',
    '123456789012',
    '210987654321',
    '1qaz2wsx3edc',
    'abcdefghijkl',
    'admin-admin-1',
    'Groundstop2026',
    'letmein!letmein!!',
    'changeme-2026-07',
    'Summer2025!!!!',
  ])('is a common one: %s', (password) => {
    expect(passwordProblem(password, ANN)).toMatch(/common|over and over/)
  })

  test.each(['aaaaaaaaaaaa', 'abab-abab-abab-', 'kw7kw7kw7kw7'])(
    'repeats itself: %s',
    (password) => {
      expect(passwordProblem(password, ANN)).toBe('not a few characters over and over')
    },
  )

  test('is not made of its owner', () => {
    const problem = 'without your name or address'
    expect(passwordProblem('Ann.Miller-tulpe-9', ANN)).toBe(problem)
    expect(passwordProblem('tulpe-jonathan-9', { name: 'x', email: 'jonathan@example.com' })).toBe(
      problem,
    )
    // A name of three letters is part of any text.
    expect(passwordProblem('channel-orgel-9', ANN)).toBeNull()
  })
})
