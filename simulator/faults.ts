/**
 * Fault switches: which requests a local provider answers wrongly. Every choice follows from the
 * seed, the fault's name and the subject (a leg, an idempotency key), so a run can be repeated.
 */
import { z } from 'zod'

/** Subjects counted per fault before the oldest counts are forgotten: bounds memory, not accuracy. */
const COUNTED_SUBJECTS_LIMIT = 1_000_000

const switchSchema = z.strictObject({
  /** Share of subjects hit, 0 to 1. */
  rate: z.number().min(0).max(1).default(1),
  /** How many requests of a subject are hit before it answers well; absent: all of them. */
  times: z.int().min(1).optional(),
  /** Only subjects that contain this text, such as `JBU35` or `acct_7`. */
  match: z.string().optional(),
  /** Length in milliseconds, where the fault has one. */
  ms: z.int().min(0).max(600_000).optional(),
  /** Size in minutes, where the fault has one. */
  minutes: z.int().min(-1_440).max(1_440).optional(),
  /** How long before the departure it begins, in minutes, where the fault has a beginning. */
  beforeMinutes: z.int().min(0).max(2_880).optional(),
  /** How long after it was first shown it ends, in minutes, where the fault has an end. */
  afterMinutes: z.int().min(0).max(7_200).optional(),
  /** Only in answers of this dialect, where a server speaks several; absent: in all of them. */
  dialect: z.string().optional(),
})

export type FaultSwitch = z.infer<typeof switchSchema>

/** The switches of one provider; changed as a whole, read on every request. */
export interface FaultPlan<Name extends string> {
  /** Whether any switch is set: the fast way past all others. */
  readonly isActive: boolean
  /** Whether a switch is set at all, for faults that are there unless told otherwise. */
  isSet(name: Name): boolean
  /** The switch if it hits this request of the subject, else null. Counts the request. */
  hits(name: Name, subject: string, dialect?: string): FaultSwitch | null
  /**
   * Replaces all switches by those of `{"seed": 1, "faults": {"500": {"rate": 0.1}}}`. Throws
   * FaultFileError naming the field when the input is not right.
   */
  set(input: unknown): void
  describe(): { seed: number; faults: Record<string, FaultSwitch> }
}

/** The switches' file or body is not right; the message names the field. */
export class FaultFileError extends Error {
  override readonly name = 'FaultFileError'
}

/** A plan without faults for a provider that knows the given switches, and speaks the dialects. */
export function createFaultPlan<Name extends string>(
  names: readonly Name[],
  defaultSeed: number,
  dialects: readonly string[] = [],
): FaultPlan<Name> {
  // A misspelt dialect would be a fault that never comes.
  const dialect = z.enum(dialects).optional()
  const fileSchema = z.strictObject({
    seed: z.int().optional(),
    faults: z.partialRecord(z.enum(names), switchSchema.extend({ dialect })),
  })
  let seed = defaultSeed
  let switches = new Map<string, FaultSwitch>()
  let counts = new Map<string, number>()

  function hasTimesLeft(key: string, times: number | undefined): boolean {
    if (times === undefined) return true
    const seen = counts.get(key) ?? 0
    if (seen >= times) return false
    if (counts.size >= COUNTED_SUBJECTS_LIMIT) counts = new Map()
    counts.set(key, seen + 1)
    return true
  }

  return {
    get isActive() {
      return switches.size > 0
    },
    isSet: (name) => switches.has(name),
    hits(name, subject, dialect) {
      const found = switches.get(name)
      if (found === undefined) return null
      if (found.dialect !== undefined && found.dialect !== dialect) return null
      if (found.match !== undefined && !subject.includes(found.match)) return null
      if (unitHash(`${seed}|${name}|${subject}`) >= found.rate) return null
      return hasTimesLeft(`${name}|${subject}`, found.times) ? found : null
    },
    set(input) {
      const parsed = fileSchema.safeParse(input)
      if (!parsed.success) {
        throw new FaultFileError(`faults: ${z.prettifyError(parsed.error)}`)
      }
      seed = parsed.data.seed ?? defaultSeed
      switches = new Map(Object.entries(parsed.data.faults))
      counts = new Map()
    },
    describe: () => ({ seed, faults: Object.fromEntries(switches) }),
  }
}

/** A number in [0, 1) from a text, the same for ever: FNV-1a, then a finishing mix. */
export function unitHash(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return ((hash ^ (hash >>> 15)) >>> 0) / 0x1_0000_0000
}
