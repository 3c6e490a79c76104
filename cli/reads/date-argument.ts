/** Turns a parser of the domain into one of the command line: a bad value is an error of usage. */
import { InvalidArgumentError } from 'commander'

/** The parser; a RangeError becomes the command line's own error. */
export function dateArgument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      throw new InvalidArgumentError(error.message)
    }
  }
}
