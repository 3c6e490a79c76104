/** Makes and hashes passwords and keys, as a port. */
export interface Passwords {
  /** A password that nobody can guess, for somebody who changes it at the first sign-in. */
  random(): string
  /** A slow, salted hash, as sign-in checks it. */
  hash(password: string): Promise<string>
}
