// script/bootstrap on machines that are not this one: a PATH of our own, on which package managers are stubs that write
// down how they were called.
import assert from 'node:assert/strict'
import { access, chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { leavesNoProcess, ROOT, startProcess, type Exit } from '../support/process.ts'

leavesNoProcess()

/** What the script may find on any machine. */
const COMMON = ['bash', 'env', 'dirname', 'touch', 'cat']

let clone: string
let bin: string

beforeEach(async () => {
  clone = await realpath(await mkdtemp(join(tmpdir(), 'bootstrap-')))
  bin = join(clone, 'bin')
  await mkdir(bin)
  await cp(join(ROOT, 'script/bootstrap'), join(clone, 'script/bootstrap'))
  await writeFile(join(clone, 'package-lock.json'), '{}')
  for (const name of COMMON) await symlink(await which(name), join(bin, name))
  await stub('node', 'case "$*" in *versions*) ;; *) echo v20.19.0;; esac')
  await stub('npm', 'mkdir -p node_modules')
  await symlink(await which('mkdir'), join(bin, 'mkdir'))
  await stub('id', 'echo 0')
})
afterEach(() => rm(clone, { recursive: true, force: true }))

async function which(name: string): Promise<string> {
  for (const dir of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await access(join(dir, name)).then(
      () => true,
      () => false,
    )
    if (found) return join(dir, name)
  }
  return assert.fail(`expected ${name} on the PATH`)
}

/** A program that notes its arguments in calls.log, then does `body`. */
async function stub(name: string, body = ''): Promise<void> {
  await writeFile(join(bin, name), `#!${await which('bash')}\necho "${name} $*" >>"${clone}/calls.log"\n${body}\n`)
  await chmod(join(bin, name), 0o755)
}

const bootstrap = (...args: string[]): Promise<Exit> =>
  startProcess(join(bin, 'bash'), [join(clone, 'script/bootstrap'), ...args], { env: { PATH: bin }, cwd: clone }).exited

const calls = (): Promise<string> => readFile(join(clone, 'calls.log'), 'utf8').catch(() => '')

/** A package manager that "installs" these programs. */
const installing = (...programs: string[]): string =>
  programs
    .map((program) => `printf '#!/bin/sh\\n' >"${bin}/${program}"; "${bin}/chmod" 755 "${bin}/${program}"`)
    .join('\n')

describe('script/bootstrap', () => {
  it('installs the dependencies once, and again when the lock file is newer', async () => {
    await stub('redis-server')
    assert.equal((await bootstrap()).exitCode, 0)
    assert.match(await calls(), /^npm ci /m)
    await rm(join(clone, 'calls.log'))
    const again = await bootstrap()
    assert.deepEqual([again.exitCode, again.stdout, await calls()], [0, '', ''])
    const later = new Date(Date.now() + 10_000)
    await utimes(join(clone, 'package-lock.json'), later, later)
    await bootstrap()
    assert.match(await calls(), /^npm ci /m)
  })

  it('without a Redis and without a package manager it says what to do', async () => {
    const { exitCode, stderr } = await bootstrap()
    assert.equal(exitCode, 1)
    assert.match(
      stderr,
      /expected redis-server on the PATH, or apt-get, brew, dnf or apk to install it; install it by hand/,
    )
  })

  for (const [manager, call] of [
    ['brew', /^brew install --quiet redis$/m],
    ['dnf', /^dnf install -y -q redis$/m],
    ['apk', /^apk add --quiet redis$/m],
  ] as const) {
    it(`takes Redis from ${manager}`, async () => {
      await symlink(await which('chmod'), join(bin, 'chmod'))
      await stub(manager, installing('redis-server'))
      const { exitCode, stderr } = await bootstrap()
      assert.equal(exitCode, 0, stderr)
      assert.match(await calls(), call)
    })
  }

  it('takes Redis from apt-get, starts no service, and disables the one that came with it', async () => {
    await symlink(await which('chmod'), join(bin, 'chmod'))
    await stub('tee', 'cat >/dev/null')
    await stub('rm')
    await stub('systemctl')
    await stub('apt-get', `case "$*" in install*) ${installing('redis-server')};; esac`)
    const { exitCode, stderr } = await bootstrap()
    assert.equal(exitCode, 0, stderr)
    assert.match(
      await calls(),
      /^apt-get update -qq\nid -u\napt-get install -y -qq --no-install-recommends redis-server$/m,
    )
    assert.match(await calls(), /^systemctl disable --now redis-server$/m)
  })

  it('asks sudo when it is not root, and says so when there is none', async () => {
    await stub('id', 'echo 1000')
    await stub('dnf', installing('redis-server'))
    await symlink(await which('chmod'), join(bin, 'chmod'))
    const refused = await bootstrap()
    assert.equal(refused.exitCode, 1)
    assert.match(
      refused.stderr,
      /expected root or sudo to install a package, found neither; as root, run: dnf install -y -q redis/,
    )
    await stub('sudo', '"$@"')
    assert.equal((await bootstrap()).exitCode, 0)
    assert.match(await calls(), /^sudo dnf install/m)
  })

  it('refuses a Node that is too old', async () => {
    await stub('redis-server')
    await stub('node', 'case "$*" in *versions*) exit 1;; *) echo v18.19.0;; esac')
    const { exitCode, stderr } = await bootstrap()
    assert.equal(exitCode, 1)
    assert.match(stderr, /expected Node 20\.19, 22\.12, or 23 and newer, found v18\.19\.0/)
  })
})
