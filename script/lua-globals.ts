/**
 * Says which scripts name a variable that nothing defines, such as a local of an include after a change of its name: Redis
 * notices that only when the line runs. Needs the compiler of Lua 5.1, the version that Redis runs.
 *   node --import tsx script/lua-globals.ts     exits with 1 when it finds one; without the compiler it says how to get it
 */
import { spawnSync } from 'node:child_process'
import { luaOf } from '../runtime/store/connection/lua.generated.ts'
import { scripts } from '../runtime/store/connection/scripts.generated.ts'

/** What Redis gives to a script: https://redis.io/docs/latest/develop/programmability/lua-api/ */
const given = new Set(
  [
    'redis cjson struct cmsgpack bit KEYS ARGV string table math',
    'tonumber tostring type pairs ipairs next unpack select error pcall assert',
  ]
    .join(' ')
    .split(' '),
)

for (const name of Object.keys(scripts)) {
  const { stdout, stderr, status, error } = spawnSync('luac5.1', ['-l', '-p', '-'], {
    input: luaOf(name),
    encoding: 'utf8',
  })
  if (error) {
    console.error('lua-globals: not checked: no luac5.1 on the PATH; apt-get install lua5.1')
    break
  }
  const named = [...stdout.matchAll(/[GS]ETGLOBAL.*; (\w+)$/gm)].map(([, global = '']) => global)
  const undefinedOnes = [...new Set(named)].filter((global) => !given.has(global))
  if (status === 0 && undefinedOnes.length === 0) continue
  console.error(`lua-globals: ${name}: ${stderr || `nothing defines ${undefinedOnes.join(', ')}`}`)
  process.exitCode = 1
}
