import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { default as Koffi } from 'koffi'
import { packageRoot } from '../../../../../core/package.ts'

/**
 * The system calls that Node does not offer, through koffi. Linux with glibc on x64 and arm64 only (see preflight-platform.ts);
 * struct layouts, constants and the two system call numbers are the same on both. Loading this file loads koffi and opens the C library: only a zygote and
 * its children may import it.
 */
export const koffi = loadKoffi()
const libc = koffi.load('libc.so.6')
const program = koffi.load(null)

/** Its native part, where npm and pnpm put it: resolving the package takes longer, and the JavaScript around it adds old names only. */
function loadKoffi(): typeof Koffi {
  const load = createRequire(import.meta.url)
  const native = `@koromix/koffi-${process.platform}-${process.arch}/${process.platform}_${process.arch}/koffi.node`
  try {
    const folder = ['node_modules/koffi', '../koffi'].map((path) => join(packageRoot, path)).find(existsSync)
    return load(join(dirname(realpathSync(folder ?? '')), native)) as typeof Koffi
  } catch {
    return load('koffi') as typeof Koffi
  }
}

type Native<A extends unknown[], R> = (...args: A) => R
const bind = <A extends unknown[], R>(prototype: string): Native<A, R> => libc.func(prototype) as Native<A, R>

export const fork = bind<[], number>('int fork()')
export const exitNow = bind<[number], void>('void _exit(int)')
export const getpid = bind<[], number>('int getpid()')
export const getppid = bind<[], number>('int getppid()')
export const kill = bind<[number, number], number>('int kill(int, int)')
export const setpgid = bind<[number, number], number>('int setpgid(int, int)')
export const alarm = bind<[number], number>('unsigned int alarm(unsigned int)')
export const poll = bind<[Int32Array, number, number], number>('int poll(void *, unsigned long, int)')
export const wait4 = bind<[number, Int32Array, number, Uint8Array], number>('int wait4(int, void *, int, void *)')
export const socket = bind<[number, number, number], number>('int socket(int, int, int)')
export const connect = bind<[number, Uint8Array, number], number>('int connect(int, void *, unsigned int)')
const getsockopt = bind<[number, number, number, Int32Array, Int32Array], number>(
  'int getsockopt(int, int, int, void *, void *)',
)
export const socketpair = bind<[number, number, number, Int32Array], number>('int socketpair(int, int, int, void *)')
/** The path ends with a zero byte. */
export const openFile = bind<[Uint8Array, number], number>('int open(void *, int)')
export const read = bind<[number, Uint8Array, number], number>('long read(int, void *, unsigned long)')
export const write = bind<[number, Uint8Array, number], number>('long write(int, void *, unsigned long)')
export const pread = bind<[number, Uint8Array, number, number], number>('long pread(int, void *, unsigned long, long)')
export const putenv = bind<[bigint], number>('int putenv(intptr_t)')
export const pipe2 = bind<[Int32Array, number], number>('int pipe2(void *, int)')
export const ioctl = bind<[number, number, Int32Array], number>('int ioctl(int, unsigned long, void *)')
export const close = bind<[number], number>('int close(int)')
export const dup2 = bind<[number, number], number>('int dup2(int, int)')
export const dup3 = bind<[number, number, number], number>('int dup3(int, int, int)')
export const setrlimit = bind<[number, Uint8Array], number>('int setrlimit(int, void *)')
export const setpriority = bind<[number, number, number], number>('int setpriority(int, int, int)')
export const malloc = bind<[number], bigint>('intptr_t malloc(unsigned long)')

const mmapRaw = bind<[bigint, bigint, number, number, number, number], bigint>(
  'intptr_t mmap(intptr_t, unsigned long, int, int, int, long)',
)
const madviseRaw = bind<[bigint, bigint, number], number>('int madvise(intptr_t, unsigned long, int)')
const mprotect = bind<[bigint, bigint, number], number>('int mprotect(intptr_t, unsigned long, int)')
const memcpyTo = bind<[bigint, Uint8Array, number], bigint>('intptr_t memcpy(intptr_t, void *, unsigned long)')
const memcpyFrom = bind<[Uint8Array, bigint, number], bigint>('intptr_t memcpy(void *, intptr_t, unsigned long)')
const fcntl = bind<[number, number, number], number>('int fcntl(int, int, long)')
const sysconf = bind<[number], number>('long sysconf(int)')
const sigaction = bind<[number, Uint8Array, bigint], number>('int sigaction(int, void *, intptr_t)')
const prctlRaw = bind<[number, number, number, number, number], number>('int prctl(int, long, long, long, long)')
const syscall = bind<[number, number, number, number], number>('long syscall(long, long, long, long)')
const dlsymRaw = bind<[bigint, string], bigint>('intptr_t dlsym(intptr_t, str)')

export const uvDefaultLoop = program.func('intptr_t uv_default_loop()') as Native<[], bigint>
/** Returns 0 and touches nothing. */
export const doNothing = bind<[bigint], number>('int pthread_mutexattr_destroy(intptr_t)')
export const uvLoopFork = program.func('int uv_loop_fork(intptr_t)') as Native<[bigint], number>

/** `errno` of the last call. */
export const errno = (): number => koffi.errno()

export const EINTR = 4
export const EINVAL = 22
export const SIGABRT = 6
export const SIGKILL = 9
export const SIGXCPU = 24
export const WNOHANG = 1
export const POLLIN = 1
export const AF_UNIX = 1
export const SOCK_DGRAM = 2
/** SOCK_STREAM, closed on exec. */
export const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
export const O_CLOEXEC = 0o2000000
export const O_WRONLY = 1
export const RLIMIT = { cpu: 0, core: 4, openFiles: 7 }

const MADV_DOFORK = 11
const MADV_COLLAPSE = 25
const PROT_NONE = 0
/** MAP_PRIVATE, MAP_ANONYMOUS, MAP_NORESERVE, MAP_FIXED_NOREPLACE. */
const MAP_RESERVATION = 0x2 | 0x20 | 0x4000 | 0x100000
const PROT_READ_WRITE = 1 | 2
const PROT_READ_EXEC = 1 | 4
/** MAP_PRIVATE, MAP_ANONYMOUS. */
const MAP_MEMORY = 0x2 | 0x20
const MAP_FAILED = -1n
export const SA_RESTART = 0x10000000
export const SA_RESETHAND = 0x80000000
/** struct sigaction of glibc: 152 bytes, the handler first, sa_flags at 136. */
const SIGACTION_BYTES = 152
const SIGACTION_FLAGS = 136
const SOL_SOCKET = 1
const SO_TYPE = 3
const F_SETFL = 4
const O_RDWR = 2
const F_DUPFD_CLOEXEC = 1030
const SC_PAGESIZE = 30
const SYS_CLOSE_RANGE = 436
const LAST_DESCRIPTOR = 0xffffffff
const PR_SET_PDEATHSIG = 1
const PR_SET_CHILD_SUBREAPER = 36
const SYS_PIDFD_OPEN = 434

/** 0, or the errno. */
export function markForForking(start: bigint, bytes: bigint): number {
  return madviseRaw(start, bytes, MADV_DOFORK) === 0 ? 0 : errno()
}

/** Takes a range of addresses without any memory behind it. Nothing happens where the kernel refuses. */
export function reserve(start: bigint, bytes: bigint): void {
  mmapRaw(start, bytes, PROT_NONE, MAP_RESERVATION, -1, 0)
}

/** Puts a range into huge pages at once, whatever the system's setting (Linux 6.1). Nothing happens where the kernel refuses. */
export function collapse(start: bigint, bytes: bigint): void {
  madviseRaw(start, bytes, MADV_COLLAPSE)
}

/** A page for machine code, to be written with {@link mapCode}; 0n when the kernel refuses. */
export function reserveCode(): bigint {
  const address = BigInt(mmapRaw(0n, BigInt(pageBytes()), PROT_READ_WRITE, MAP_MEMORY, -1, 0))
  return address === MAP_FAILED ? 0n : address
}

/** Writes to an address; what is not mapped ends the process. */
export function copyTo(address: bigint, bytes: Uint8Array): void {
  memcpyTo(address, bytes, bytes.length)
}

/** Fills `bytes` from an address; what is not mapped ends the process. */
export function copyFrom(address: bigint, bytes: Uint8Array): void {
  memcpyFrom(bytes, address, bytes.length)
}

/** 4,096 on x64; 4,096, 16,384 or 65,536 on arm64, as the kernel was built. */
export const pageBytes = (): number => sysconf(SC_PAGESIZE)

/**
 * Fills reserved memory and makes it executable; false when the kernel refuses. On arm64 the kernel makes caches of
 * instructions and data agree when a page becomes executable.
 */
export function mapCode(address: bigint, code: Uint8Array): boolean {
  copyTo(address, code)
  return mprotect(address, BigInt(code.length), PROT_READ_EXEC) === 0
}

/** Has the kernel call machine code at `handler` when the signal comes. */
export function setSignalHandler(signal: number, handler: bigint, flags: number): void {
  const action = new Uint8Array(SIGACTION_BYTES)
  const view = new DataView(action.buffer)
  view.setBigUint64(0, handler, true)
  view.setUint32(SIGACTION_FLAGS, flags, true)
  sigaction(signal, action, 0n)
}

/** The address of this thread's v8::Isolate; 0n where node does not export what tells it. */
export function currentIsolate(): bigint {
  try {
    return BigInt((program.func('intptr_t _ZN2v87Isolate10GetCurrentEv()') as Native<[], bigint>)())
  } catch {
    return 0n
  }
}

/** The kernel kills this process with `signal` when the thread that made it dies; 0 takes that back. */
export function dieWithParent(signal: number): void {
  prctlRaw(PR_SET_PDEATHSIG, signal, 0, 0, 0)
}

/** Orphans below this process become its children, even those that left their group and session. */
export function adoptOrphans(): void {
  prctlRaw(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

/** A descriptor that becomes readable when the process ends; -1 when the kernel refuses. */
export function openPidfd(pid: number): number {
  return syscall(SYS_PIDFD_OPEN, pid, 0, 0)
}

/** Calls on the descriptor wait from now on, whatever O_NONBLOCK was before. */
export function blockOn(fd: number): void {
  fcntl(fd, F_SETFL, O_RDWR)
}

/** The lowest free descriptor from `first` on for what `fd` leads to, closed on exec; -1 when the kernel refuses. */
export function duplicateFrom(fd: number, first: number): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, first)
}

/** Closes all descriptors from `first` on (Linux 5.9); 0, or -1 when the kernel cannot. */
export function closeFrom(first: number): number {
  return syscall(SYS_CLOSE_RANGE, first, LAST_DESCRIPTOR, 0)
}

/** SOCK_DGRAM, …; undefined for what is no socket. */
export function socketType(fd: number): number | undefined {
  const type = new Int32Array(1)
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, type, Int32Array.of(type.byteLength)) === 0 ? type[0] : undefined
}

/** The address of an exported symbol of the node binary or the C library, 0n when there is none. */
export function symbolAddress(name: string): bigint {
  return BigInt(dlsymRaw(0n, name))
}

/** Sets soft and hard limit; the hard one `slack` above, so that the soft signal comes first. */
export function limit(resource: number, soft: number, slack = 0): number {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(soft), true)
  view.setBigUint64(8, BigInt(soft + slack), true)
  return setrlimit(resource, bytes) === 0 ? 0 : errno()
}

/** Writes all of it, however often the kernel interrupts; false when the other side has gone. */
export function writeAll(fd: number, bytes: Uint8Array): boolean {
  let offset = 0
  while (offset < bytes.length) {
    const chunk = offset === 0 ? bytes : bytes.subarray(offset)
    const written = write(fd, chunk, chunk.length)
    if (written < 0) {
      if (errno() === EINTR) continue
      return false
    }
    offset += written
  }
  return true
}
