import { readFileSync, readdirSync } from 'node:fs'

/** What the kernel says of a process; undefined when it has gone. */
export interface ProcessState {
  rssBytes: number
  descriptors: number
  /** Its children, and how many of them are zombies. */
  children: number[]
  zombies: number
}

export function stateOf(pid: number): ProcessState | undefined {
  try {
    const children = childrenOf(pid)
    return {
      rssBytes: fieldKb(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS') * 1024,
      descriptors: readdirSync(`/proc/${pid}/fd`).length,
      children,
      zombies: children.filter((child) => /^State:\s+Z/m.test(read(`/proc/${child}/status`))).length,
    }
  } catch {
    return undefined
  }
}

export function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`).trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** The child whose title says that it is the zygote. */
export const zygoteOf = (pid: number): number | undefined =>
  childrenOf(pid).find((child) => read(`/proc/${child}/cmdline`).includes('Zygote of'))

function fieldKb(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN)
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
