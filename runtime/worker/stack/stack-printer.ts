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
import { machineCodeFor, type MachineCode } from './machine-code.ts'
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
  const targets: Targets = {
    isolate: currentIsolate(),
    requestInterrupt: symbolAddress(REQUEST_INTERRUPT),
    printStack: PRINT_STACK.map(symbolAddress).find((address) => address !== 0n) ?? 0n,
    standardError: symbolAddress(STANDARD_ERROR),
  }
  const missing = Object.entries(targets).filter(([, address]) => address === 0n)
  if (missing.length > 0) return `this node binary does not export ${missing.map(([name]) => name).join(', ')}`
  const page = reserveCode()
  if (page === 0n) return 'the kernel gives no memory for machine code'
  const code = machineCodeFor(machine.arch(), page)
  if (!code) return `stacks are printed on x64 and arm64 only, this is ${machine.arch()}`
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
    const start = code.begin()
    code.print(begin, STACK_BEGIN.length)
    code.call(targets.printStack, targets.standardError, 0n)
    code.print(end, STACK_END.length)
    last()
    code.return()
    return start
  }
  const printAndGoOn = print(() => undefined)
  const printAndDie = print(() => code.signalSelf(SIGXCPU))
  const handler = (callback: bigint): bigint => code.jump(targets.requestInterrupt, targets.isolate, callback, 0n)
  return { onStackSignal: handler(printAndGoOn), onCpuLimit: handler(printAndDie) }
}
