/** The environment's variables of a job pack: `PACK_<NAME>_*`, without what stands before. */

/** The variable of a pack's setting: `FOLDER` of `delay-lists` is `PACK_DELAY_LISTS_FOLDER`. */
export function packVariable(pack: string, setting: string): string {
  return `PACK_${pack.replaceAll('-', '_').toUpperCase()}_${setting}`
}

/** The values of a pack's settings that are set, trimmed. */
export function readPackSettings(
  env: NodeJS.ProcessEnv,
  pack: string,
  settings: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    settings.flatMap((setting) => {
      const text = env[packVariable(pack, setting)]?.trim() ?? ''
      return text === '' ? [] : [[setting, text]]
    }),
  )
}
