import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../runtime/core/package.ts'

const ownFolder = join(packageRoot, 'web/assets')

const types = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' } as const

/** Every file that the dashboard serves besides its pages. Nothing else of the disk can be asked for. */
const files = {
  'htmx.js': join(packageRoot, 'dist/htmx.js'),
  'dashboard.js': join(ownFolder, 'dashboard.js'),
  'dashboard.css': join(ownFolder, 'dashboard.css'),
  'quiet.svg': join(ownFolder, 'quiet.svg'),
  'alarm.svg': join(ownFolder, 'alarm.svg'),
} as const

export type AssetName = keyof typeof files

/** A file as it is served. */
export interface Asset {
  type: string
  body: Buffer
}

/** The files by address, and the address of each: its name has a hash of its content, so browsers keep it for good. */
export function readAssets(): { byAddress: ReadonlyMap<string, Asset>; addressOf: Record<AssetName, string> } {
  const byAddress = new Map<string, Asset>()
  const addresses = (Object.entries(files) as [AssetName, string][]).map(([name, path]) => {
    const body = readFileSync(path)
    const [stem = '', ending = ''] = name.split('.')
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
    const address = `assets/${stem}.${hash}.${ending}`
    byAddress.set(address, { type: types[ending as keyof typeof types], body })
    return [name, address] as const
  })
  return { byAddress, addressOf: Object.fromEntries(addresses) as Record<AssetName, string> }
}
