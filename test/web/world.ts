import { loadConfig } from '../../config/load.ts'
import type { Config } from '../../config/schema.ts'
import { silentLogger } from '../../runtime/core/logger.ts'
import { newId } from '../../runtime/core/ids.ts'
import type { Store } from '../../runtime/store/store.ts'
import { dashboard, type Dashboard, type DashboardOptions } from '../../web/index.ts'

/** What a request to the dashboard may have besides its path. */
export interface Ask {
  form?: Record<string, string>
  cookie?: string
  headers?: Record<string, string>
  /** False: no origin, as a page of another site or a program sends it. */
  sameSite?: boolean
}

/** The settings of a test's dashboard: defaults, whatever the machine's environment says. */
export const testConfig = (flags: NonNullable<Parameters<typeof loadConfig>[0]>['flags'] = {}): Config =>
  loadConfig({ cwd: import.meta.dirname, env: {}, findEmbedded: false, flags })

/** A dashboard that everyone may use, unless the options say otherwise. */
export function testDashboard(store: Store, options: DashboardOptions = {}): Dashboard {
  const way = options.users ?? options.authorize ?? options.userHeader ?? options.open
  return dashboard({
    store,
    config: testConfig(),
    log: silentLogger,
    ...(way === undefined ? { open: true } : {}),
    ...options,
  })
}

/** Sends a request as a browser on this machine does. */
export async function ask(
  board: Dashboard,
  path: string,
  { form, cookie, headers = {}, sameSite = true }: Ask = {},
): Promise<Response> {
  const url = `http://localhost${path}`
  const all = { host: 'localhost', ...(cookie === undefined ? {} : { cookie }), ...headers }
  if (form === undefined) return board.fetch(new Request(url, { headers: all }))
  const origin: Record<string, string> = sameSite ? { origin: 'http://localhost' } : {}
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  return board.fetch(
    new Request(url, {
      method: 'POST',
      headers: { ...type, ...origin, ...all },
      body: new URLSearchParams(form).toString(),
    }),
  )
}

/** The token in a page's forms. */
export const csrfIn = (page: string): string => /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''

/** A change by a form of the overview: the token is taken from it first. */
export async function change(
  board: Dashboard,
  action: string,
  form: Record<string, string>,
  more: Ask = {},
): Promise<Response> {
  const page = await (await ask(board, '/', more)).text()
  return ask(board, `/${action}`, { ...more, form: { csrf: csrfIn(page), ...form } })
}

/** Adds failed jobs of some classes and causes, oldest first. */
export async function addFailures(
  store: Store,
  count: number,
  more: Partial<Parameters<Store['failures']['add']>[0]> = {},
): Promise<void> {
  const kinds = [
    {
      class: 'ImportJob',
      cause: 'timeout',
      exception: 'TimeoutError',
      error: 'it ran longer than 30m, in ImportJob.readRows (src/jobs/import.ts:41)',
    },
    {
      class: 'ThumbnailJob',
      cause: 'memory',
      exception: 'MemoryLimitError',
      error: 'its processes used more than 512.0 MB, 530.4 MB at the last look',
    },
    {
      class: 'MailJob',
      cause: 'exception',
      exception: 'TypeError',
      error: "Cannot read properties of undefined (reading 'email')",
    },
  ]
  for (let i = 0; i < count; i += 1) {
    const { class: className, ...kind } = kinds[i % kinds.length]!
    await store.failures.add(
      {
        failedAtMs: Date.now() - (count - i) * 61_000,
        item: `{"class":"${className}","args":[${i},{"user":{"id":${12345678901234567000n + BigInt(i)},"password":"hunter2"}}]}`,
        backtrace: ['ImportJob.readRows (src/jobs/import.ts:41:13)', 'ImportJob.perform (src/jobs/import.ts:12:5)'],
        ...{ worker: 'host-1:4711:default', queue: i % 2 === 0 ? 'default' : 'low', id: newId(), ...kind },
        evidence: {
          cause: kind.cause,
          pid: 4711 + i,
          wallMs: 1_800_000,
          cpuUserMs: 12_000,
          cpuSystemMs: 800,
          peakRssBytes: 536_870_912,
          output: ['reading rows.csv', 'row 10,000 of 2,000,000'],
        },
        ...more,
      },
      1_000_000,
    )
  }
}
