import { existsSync, readdirSync, statSync, watch } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { machine } from '../../config/machine.ts'
import type { Config } from '../../config/schema.ts'

/** What a change of a file asks for. */
export type Change = 'code' | 'settings' | 'schedule'

/** An editor writes a file in several steps, and a checkout writes many files. */
const SETTLE_MS = 150
const NOT_CODE = new RegExp(`(^|\\${sep})(node_modules|\\.[^${sep}]*)(\\${sep}|$)|~$`)

/**
 * Watches an application: the folders its jobs are in (all of `src/` for `src/jobs`, since jobs import their neighbours),
 * config/, and the schedule file.
 * @param onChange told once for a burst of changes of one kind
 * @returns what ends the watch
 */
export function watchApp({ root, jobs, scheduler }: Config, onChange: (change: Change) => void): () => void {
  const timers = new Map<Change, NodeJS.Timeout>()
  const tell = (change: Change): void => {
    clearTimeout(timers.get(change))
    timers.set(
      change,
      setTimeout(() => onChange(change), SETTLE_MS),
    )
  }
  const schedule = resolve(root, scheduler.file)
  const watchers = [
    ...folders(root, jobs.paths).map((folder) => watchFolder(folder, () => tell('code'))),
    watchFolder(join(root, 'config'), (file) => tell(/^runtime\.ya?ml$/.test(file) ? 'settings' : 'code')),
    watchFolder(dirname(schedule), (file) => file === basename(schedule) && tell('schedule'), false),
  ]
  return () => {
    for (const end of watchers) end()
    for (const timer of timers.values()) clearTimeout(timer)
  }
}

/** Folders to watch for code, none inside another. */
function folders(root: string, paths: readonly string[]): string[] {
  const all = paths.map((path) => {
    const full = resolve(root, path)
    const [top = ''] = relative(root, full).split(sep)
    return top === '..' || top === '' || top === 'config' ? folderOf(full) : folderOf(join(root, top))
  })
  return [...new Set(all)].filter((folder) => !all.some((other) => folder.startsWith(other + sep)))
}

const folderOf = (path: string): string => (existsSync(path) && statSync(path).isFile() ? dirname(path) : path)

/**
 * Watches a folder, which need not be there yet. Each folder has a watcher of its own: it reports files by name, so also
 * one that another file was renamed over, which the recursive watch that Node has on Linux loses.
 * @returns what ends the watch
 */
function watchFolder(folder: string, onFile: (file: string) => void, recursive = true): () => void {
  if (!isFolder(folder)) return awaitFolder(folder, onFile, recursive)
  return watchThere(folder, onFile, recursive)
}

/** @throws Error ENOENT when the folder is not there */
function watchThere(folder: string, onFile: (file: string) => void, recursive: boolean): () => void {
  const below = new Map<string, () => void>()
  const native = recursive && nativelyRecursive.includes(machine.os())
  const close = (): void => {
    watcher.close()
    for (const endBelow of below.values()) endBelow()
  }
  let end = close
  const watcher = watch(folder, { recursive: native }, (event, file) => {
    if (file === null || NOT_CODE.test(file)) return
    if (event === 'rename' && file === basename(folder) && end === close) {
      // The folder itself was moved, removed or replaced.
      close()
      end = watchFolder(folder, onFile, recursive)
    } else if (event === 'rename' && recursive && !native) follow(file)
    onFile(file)
  })
  // A folder that goes away while it is watched is no reason to stop.
  watcher.on('error', () => undefined)
  /** Watches a folder that came, and no longer one that went. */
  const follow = (name: string): void => {
    below.get(name)?.()
    below.delete(name)
    if (!isFolder(join(folder, name))) return
    try {
      below.set(
        name,
        watchThere(join(folder, name), (file) => onFile(join(name, file)), true),
      )
    } catch (error) {
      // Gone again: its next coming is reported, too.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  if (recursive && !native) for (const name of foldersIn(folder)) follow(name)
  return () => end()
}

/** Where the system itself watches a whole tree, and by name. */
const nativelyRecursive = ['darwin', 'win32']

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

function foldersIn(folder: string): string[] {
  if (!isFolder(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !NOT_CODE.test(entry.name))
    .map(({ name }) => name)
}

/** Watches the nearest folder above one that is not there; once it is there it counts as changed, and is watched. */
function awaitFolder(folder: string, onFile: (file: string) => void, recursive: boolean): () => void {
  let above = dirname(folder)
  while (!isFolder(above)) above = dirname(above)
  const awaited = join(above, relative(above, folder).split(sep)[0] ?? '')
  let end = (): void => watcher.close()
  const watcher = watch(above, () => {
    if (!existsSync(awaited)) return
    end()
    end = watchFolder(folder, onFile, recursive)
    if (existsSync(folder)) onFile(basename(folder))
  })
  watcher.on('error', () => undefined)
  return () => end()
}
