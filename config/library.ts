// eslint-disable-next-line no-restricted-imports -- the type of what the store asks for
import type * as ioredis from 'ioredis'
import type crypto from 'node:crypto'
import type inspector from 'node:inspector'
import { createRequire } from 'node:module'
import type net from 'node:net'
import type tls from 'node:tls'
import type v8 from 'node:v8'
import { fileURLToPath } from 'node:url'
import type pino from 'pino'
import type * as yaml from 'yaml'

/**
 * Libraries that take long to load, each of which some processes never use: a job that enqueues nothing needs no Redis client,
 * and an application without a settings file no YAML. script/bundle.ts makes one file of each that is not Node's, in dist/libraries.
 */
export interface Libraries {
  ioredis: typeof ioredis
  pino: typeof pino
  yaml: typeof yaml
  'node:crypto': typeof crypto
  'node:inspector': typeof inspector
  'node:net': typeof net
  'node:tls': typeof tls
  'node:v8': typeof v8
}

const load = createRequire(import.meta.url)
/** The folder dist/, where this file is part of a bundle. */
const built = /^(.*\/dist\/)(?:chunks\/)?[^/]+\.c?js$/.exec(import.meta.url)?.[1]

/** Loads a library when it is first asked for. */
export function library<N extends keyof Libraries>(name: N): Libraries[N] {
  const inPlace = built === undefined || name.startsWith('node:')
  return load(inPlace ? name : fileURLToPath(new URL(`libraries/${name}.cjs`, built))) as Libraries[N]
}

/** For a process from which others are forked: what jobs are likely to use is loaded once, not in each of them. */
export function loadLibraries(): void {
  for (const name of ['node:crypto', 'node:net', 'node:tls', 'node:v8', 'ioredis', 'yaml'] as const) library(name)
}
