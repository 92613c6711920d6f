import type { Redis } from 'ioredis'
import { wholeEscapes } from '../../core/json-text.ts'
import { pieces, scripts } from './scripts.generated.ts'

/** Names of the scripts in runtime/store/lua. */
export type ScriptName = keyof typeof scripts

type ArgName<N extends ScriptName> = (typeof scripts)[N]['args'][number]

/** Every argument of a script by name; `rest` in addition where its header has `@rest`. */
export type ScriptArgs<N extends ScriptName> = Record<ArgName<N>, string | number | Buffer>

/**
 * Runs a script by its SHA, and loads it where Redis does not know it (a restart or SCRIPT FLUSH), so a flushed cache
 * costs one more round trip and nothing else.
 * @param prefix the namespace with its colon: the script's only key
 */
export async function runScript<N extends ScriptName>(
  redis: Redis,
  prefix: string,
  name: N,
  args: ScriptArgs<N>,
  rest: readonly (string | number)[] = [],
): Promise<unknown> {
  const script = scripts[name]
  const values = (script.args as readonly ArgName<N>[]).map((arg) => args[arg])
  try {
    return await redis.evalsha(script.sha1, 1, prefix, ...values, ...rest)
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return await redis.eval(sourceOf(name), 1, prefix, ...values, ...rest)
  }
}

/** The Lua of a script. */
export function sourceOf(name: ScriptName): string {
  return scripts[name].pieces.map((piece) => pieces[piece]).join('')
}

/**
 * JSON that a script decodes. Half a surrogate pair, such as the end of a text that was cut in the middle of an emoji,
 * becomes U+FFFD: cjson refuses the escape that JSON.stringify writes for it, and with it the whole text.
 */
export function scriptJson(value: object): string {
  return wholeEscapes(JSON.stringify(value))
}
