import type { HtmlEscapedString } from 'hono/utils/html'
import type { InspectContext } from '../runtime/inspect/context.ts'
import type { Store } from '../runtime/store/store.ts'
import type { Role, User } from './security/tokens.ts'
import type { Settings } from './settings.ts'

/** A piece of a page; text that is put into one is escaped. */
export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** One request, as pages and actions see it. */
export interface PageRequest {
  store: Store
  settings: Settings
  user: User
  nowMs: number
  query: Query
  /** The page's own name and filters, such as `failed?class=ImportJob`: where a form leads back to. */
  address: string
  theme: 'light' | 'dark' | undefined
  /** What the forms of this page carry, against requests of other sites. */
  csrf: string
  /** What the change before has done, shown once. */
  notice: string | undefined
}

/** What `runtime/inspect` reads and changes for a page. */
export const contextOf = ({ store, settings }: PageRequest): InspectContext => ({ store, config: settings.config })

/** What a page shows. */
export interface Page {
  title: string
  body: Html
  /** Interval of live updates; absent: none. */
  refreshMs?: number
  /** Parts that could not be read, and why: shown above all. */
  missing?: readonly string[]
  status?: 200 | 400 | 404
  /** The verdict is bad: the icon of the browser's tab shows it. */
  isBad?: boolean
}

/** What a change has done. */
export interface Done {
  /** One sentence, shown on the next page and written to the audit. */
  note: string
  /** The page to go to; by default the one that sent the form. */
  to?: string
}

/** Files and data, for what is no page. */
export interface Download {
  type: string
  body: string | AsyncIterable<string>
  fileName?: string
}

/** Who may see or change what: the one table is in routes.ts. */
export type Route =
  | { method: 'GET'; path: string; role: Role; page: (request: PageRequest) => Promise<Page> }
  | { method: 'GET'; path: string; role: Role; download: (request: PageRequest) => Promise<Download> }
  | { method: 'POST'; path: string; role: Role; act: (request: PageRequest, form: Query) => Promise<Done> }

/** A filter or field that is not what it should be; shown as a page with status 400. */
export class BadInput extends Error {
  override readonly name = 'BadInput'
}

/** What is not there, or no longer; shown as a page with status 404. */
export class NotFound extends Error {
  override readonly name = 'Gone'
}

const longestText = 500

/** Query parameters or form fields, each read with its bounds. */
export class Query {
  readonly #params: URLSearchParams

  constructor(params: URLSearchParams) {
    this.#params = params
  }

  /** Text of a field; undefined when it is absent or blank. @throws BadInput when it is too long */
  text(name: string, longest = longestText): string | undefined {
    const value = this.#params.get(name) ?? ''
    if (value.length > longest)
      throw new BadInput(`${name}: expected at most ${longest} characters, got ${value.length}`)
    return value === '' ? undefined : value
  }

  /** The same for a field that must be there. @throws BadInput */
  needed(name: string, longest = longestText): string {
    const value = this.text(name, longest)
    if (value === undefined) throw new BadInput(`${name}: expected a value, got none`)
    return value
  }

  /** A whole number. @throws BadInput */
  whole(name: string, fallback: number, most = 1_000_000_000): number {
    const value = this.text(name, 20)
    if (value === undefined) return fallback
    if (/^\d+$/.test(value) && Number(value) <= most) return Number(value)
    throw new BadInput(`${name}: expected a whole number up to ${most}, got ${JSON.stringify(value)}`)
  }

  /** One of some words. @throws BadInput */
  oneOf<const W extends string>(name: string, words: readonly W[]): W | undefined {
    const value = this.text(name, 100)
    if (value === undefined) return undefined
    const word = words.find((each) => each === value)
    if (word === undefined)
      throw new BadInput(`${name}: expected one of ${words.join(', ')}, got ${JSON.stringify(value)}`)
    return word
  }

  /** All values of a field, such as ticked boxes. @throws BadInput for more than `most` */
  all(name: string, most = 500): string[] {
    const values = this.#params.getAll(name)
    if (values.length > most) throw new BadInput(`${name}: expected at most ${most} values, got ${values.length}`)
    return values.map((value) => {
      if (value.length > longestText) throw new BadInput(`${name}: expected at most ${longestText} characters`)
      return value
    })
  }
}

/** The address of a page with these filters; those that are undefined or blank are left out. */
export function address(page: string, filters: Record<string, string | number | undefined> = {}): string {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '')
  const params = new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))
  return given.length === 0 ? page : `${page}?${params.toString()}`
}

/** A relative address of one of our own pages; undefined for what leads elsewhere. */
export function localAddress(text: string | null): string | undefined {
  return text !== null && text.length <= 2000 && /^(\.\/|[a-z][a-z-]*)(\?[^\s\\]*)?$/.test(text) ? text : undefined
}
