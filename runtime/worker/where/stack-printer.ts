import { machine } from '../../../config/machine.ts'
import {
  currentIsolate,
  mapCode,
  reserveCode,
  setSignalHandler,
  symbolAddress,
  SA_RESETHAND,
  SA_RESTART,
  SIGXCPU,
} from '../launchers/fork/zygote/core/libc.ts'
import { STACK_BEGIN, STACK_END, STACK_SIGNAL } from './stack-format.ts'

/**
 * Makes this process print its JavaScript stack when {@link STACK_SIGNAL} comes, even from an infinite loop, and go on;
 * and before SIGXCPU ends it. No JavaScript runs for that: the signal's handler asks V8 for an interrupt, which V8
 * grants at the next edge of a loop or entry of a function, and there V8's own function prints the stack.
 *
 * RequestInterrupt takes a lock and allocates, so a process that the signal meets within malloc may stand still for
 * ever: it is for a process that is about to be killed, or when an operator asks.
 */

const REQUEST_INTERRUPT = '_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_'
/** Node 20 and 22; then 24 and later, whose third argument may be null. */
const PRINT_STACK = [
  '_ZN2v87Message22PrintCurrentStackTraceEPNS_7IsolateERSo',
  '_ZN2v87Message22PrintCurrentStackTraceEPNS_7IsolateERSoPFbS2_NS_5LocalINS_6StringEEEE',
]
/** std::cerr, which writes to standard error without a buffer. */
const STANDARD_ERROR = '_ZSt4cerr'

const SYS_WRITE = 1
const SYS_GETPID = 39
const SYS_KILL = 62
const STDERR = 2
const CODE_BYTES = 4096

/** Addresses of what the machine code calls. */
interface Targets {
  isolate: bigint
  requestInterrupt: bigint
  printStack: bigint
  standardError: bigint
}

/**
 * Installs the handlers; forked children inherit them.
 * @returns why this process cannot print its stack; then nothing was changed
 */
export function installStackPrinter(): string | undefined {
  if (machine.arch() !== 'x64') return `stacks are printed on x64 only, this is ${machine.arch()}`
  const targets: Targets = {
    isolate: currentIsolate(),
    requestInterrupt: symbolAddress(REQUEST_INTERRUPT),
    printStack: PRINT_STACK.map(symbolAddress).find((address) => address !== 0n) ?? 0n,
    standardError: symbolAddress(STANDARD_ERROR),
  }
  const missing = Object.entries(targets).filter(([, address]) => address === 0n)
  if (missing.length > 0) return `this node binary does not export ${missing.map(([name]) => name).join(', ')}`
  const page = reserveCode(CODE_BYTES)
  if (page === 0n) return 'the kernel gives no memory for machine code'
  const code = new MachineCode(page)
  const { onStackSignal, onCpuLimit } = assemble(code, targets)
  if (!mapCode(page, code.bytes)) return 'the kernel forbids memory that is made executable'
  setSignalHandler(STACK_SIGNAL, onStackSignal, SA_RESTART)
  // The second SIGXCPU, a second of processor time later, ends a process that V8 never interrupts.
  setSignalHandler(SIGXCPU, onCpuLimit, SA_RESTART | SA_RESETHAND)
  return undefined
}

/** @returns addresses of the two handlers */
function assemble(code: MachineCode, targets: Targets): { onStackSignal: bigint; onCpuLimit: bigint } {
  const begin = code.data(STACK_BEGIN)
  const end = code.data(STACK_END)
  const print = (last: () => void): bigint => {
    const start = code.here
    code.saveIsolate()
    code.systemCall(SYS_WRITE, STDERR, begin, STACK_BEGIN.length)
    code.restoreIsolate()
    code.call(targets.printStack, targets.standardError, 0n)
    code.systemCall(SYS_WRITE, STDERR, end, STACK_END.length)
    last()
    code.return()
    return start
  }
  const printAndGoOn = print(() => undefined)
  const printAndDie = print(() => code.signalSelf(SYS_GETPID, SYS_KILL, SIGXCPU))
  const handler = (callback: bigint): bigint => {
    const start = code.here
    code.jump(targets.requestInterrupt, targets.isolate, callback, 0n)
    return start
  }
  return { onStackSignal: handler(printAndGoOn), onCpuLimit: handler(printAndDie) }
}

/** The few x64 instructions that are needed, System V calling convention. */
class MachineCode {
  readonly bytes = Buffer.alloc(CODE_BYTES)
  readonly #page: bigint
  #at = 0

  constructor(page: bigint) {
    this.#page = page
  }

  get here(): bigint {
    return this.#page + BigInt(this.#at)
  }

  data(text: string): bigint {
    const start = this.here
    this.#at += this.bytes.write(text, this.#at, 'latin1')
    return start
  }

  /** push rbx; mov rbx, rdi: the isolate is the callback's first argument. The push aligns the stack for calls. */
  saveIsolate(): void {
    this.#emit(0x53, 0x48, 0x89, 0xfb)
  }

  /** mov rdi, rbx */
  restoreIsolate(): void {
    this.#emit(0x48, 0x89, 0xdf)
  }

  /** pop rbx; ret */
  return(): void {
    this.#emit(0x5b, 0xc3)
  }

  systemCall(number: number, first: number, second: bigint, third: number): void {
    this.#move32(0xb8, number)
    this.#move32(0xbf, first)
    this.#move64(0xbe, second)
    this.#move32(0xba, third)
    this.#emit(0x0f, 0x05)
  }

  /** kill(getpid(), signal) */
  signalSelf(getpid: number, kill: number, signal: number): void {
    this.#move32(0xb8, getpid)
    this.#emit(0x0f, 0x05, 0x89, 0xc7) // syscall; mov edi, eax
    this.#move32(0xbe, signal)
    this.#move32(0xb8, kill)
    this.#emit(0x0f, 0x05)
  }

  /** Calls with rdi as it is. */
  call(target: bigint, second: bigint, third: bigint): void {
    this.#move64(0xbe, second)
    this.#move64(0xba, third)
    this.#move64(0xb8, target)
    this.#emit(0xff, 0xd0)
  }

  jump(target: bigint, first: bigint, second: bigint, third: bigint): void {
    this.#move64(0xbf, first)
    this.#move64(0xbe, second)
    this.#move64(0xba, third)
    this.#move64(0xb8, target)
    this.#emit(0xff, 0xe0)
  }

  /** mov r32, imm32: b8 eax, ba edx, be esi, bf edi */
  #move32(opcode: number, value: number): void {
    this.#emit(opcode)
    this.#at = this.bytes.writeUInt32LE(value, this.#at)
  }

  /** mov r64, imm64 */
  #move64(opcode: number, value: bigint): void {
    this.#emit(0x48, opcode)
    this.#at = this.bytes.writeBigUInt64LE(value, this.#at)
  }

  #emit(...bytes: number[]): void {
    for (const byte of bytes) this.#at = this.bytes.writeUInt8(byte, this.#at)
  }
}
