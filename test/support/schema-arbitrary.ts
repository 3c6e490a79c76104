/** Values for a JSON schema: as it wants them, at its limits, and hostile ones in their place. */
import fc from 'fast-check'

/** What is read of a schema. */
export type JsonSchema = {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly format?: string
  readonly pattern?: string
  readonly additionalProperties?: unknown
}

/** Longer lists only take longer: limits of thousands have tests of their own. */
const ITEMS_AT_MOST = 3

/** What breaks parsers, databases and logs. */
const HOSTILE: readonly unknown[] = [
  null,
  true,
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '😀'.repeat(64),
  'x'.repeat(10_000),
  "'; drop table policy; --",
  '%00',
  '../../etc/passwd',
  '<script>',
  '${7*7}',
  '\r\nx-header: 1',
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 53 + 2,
  1e308,
  -1e308,
  '9'.repeat(40),
  '1e999',
  '2013-02-30',
  '0000-01-01',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00Z',
  '0001-01-01T00:00:00+14:00',
  [],
  [[[[[[]]]]]],
  {},
  { __proto__: { by: 'x' } },
  { constructor: { prototype: {} } },
]

/** A hostile value of any type. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
)

/** A value that the schema wants, or nearly. `known` are texts that name something that is there. */
export function wanted(schema: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => wanted(one, known)))
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0]
  switch (type) {
    case 'string':
      return texts(schema, known)
    case 'integer':
    case 'number':
      return numbers(schema, type === 'integer')
    case 'boolean':
      return fc.boolean()
    case 'array': {
      const items = wanted(schema.items ?? {}, known)
      return fc.array(items, { minLength: schema.minItems ?? 0, maxLength: ITEMS_AT_MOST })
    }
    case 'object':
      return objects(schema, known)
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

/** A wanted object with one field spoilt, one left out or one too many. */
export function spoilt(schema: JsonSchema, known: readonly string[]): fc.Arbitrary<unknown> {
  return fc
    .tuple(wanted(schema, known), hostile, fc.nat(), fc.constantFrom('spoil', 'omit', 'add'))
    .map(([value, bad, at, how]) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad
      const names = Object.keys(value)
      const name = names[at % Math.max(1, names.length)]
      if (how === 'add' || name === undefined) return { ...value, [`x${at}`]: bad }
      const { [name]: _gone, ...rest } = value as Record<string, unknown>
      return how === 'omit' ? rest : { ...rest, [name]: bad }
    })
}

function objects({ properties = {}, required = [] }: JsonSchema, known: readonly string[]) {
  const model = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, wanted(schema, known)]),
  )
  const requiredKeys = required.filter((name) => Object.hasOwn(model, name))
  return fc.record(model, { requiredKeys })
}

function numbers({ minimum, maximum }: JsonSchema, isWhole: boolean): fc.Arbitrary<number> {
  const [min, max] = [Math.max(minimum ?? -1e9, -1e9), Math.min(maximum ?? 1e9, 1e9)]
  const limits = fc.constantFrom(min, max, min - 1, max + 1)
  const within = isWhole ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true })
  return fc.oneof({ weight: 3, arbitrary: within }, { weight: 1, arbitrary: limits })
}

function texts(schema: JsonSchema, known: readonly string[]): fc.Arbitrary<string> {
  const { format, minLength = 0, maxLength = 64 } = schema
  if (format === 'uuid') return fc.oneof(fc.uuid(), ofKnown(known))
  const longest = Math.min(maxLength, 300)
  return fc.oneof(
    { weight: 2, arbitrary: fc.string({ minLength, maxLength: longest }) },
    { weight: 2, arbitrary: ofKnown(known) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'x'.repeat(minLength),
        'x'.repeat(longest),
        'x'.repeat(longest + 1),
      ),
    },
    { weight: 1, arbitrary: fc.date({ noInvalidDate: true }).map((date) => date.toJSON()) },
  )
}

function ofKnown(known: readonly string[]): fc.Arbitrary<string> {
  return known.length === 0 ? fc.constant('none') : fc.constantFrom(...known)
}
