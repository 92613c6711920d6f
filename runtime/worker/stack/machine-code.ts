const CODE_BYTES = 4096
const STDERR = 2

/** The few instructions that the stack printer is made of, written for a page at a known address. */
export abstract class MachineCode {
  readonly bytes = Buffer.alloc(CODE_BYTES)
  readonly #page: bigint
  protected at = 0

  constructor(page: bigint) {
    this.#page = page
  }

  get here(): bigint {
    return this.#page + BigInt(this.at)
  }

  /** Puts text between the code; returns its address. */
  data(text: string): bigint {
    const start = this.here
    this.at += this.bytes.write(text, this.at, 'latin1')
    return start
  }

  /** Begins a function and keeps its first argument for {@link call}. Returns its address. */
  abstract begin(): bigint
  /** Calls with the kept argument first. */
  abstract call(target: bigint, second: bigint, third: bigint): void
  /** write(2, text, length) */
  abstract print(text: bigint, length: number): void
  /** kill(getpid(), signal) */
  abstract signalSelf(signal: number): void
  /** Ends a function that {@link begin} began. */
  abstract return(): void
  /** A function that goes on in another one. Returns its address. */
  abstract jump(target: bigint, first: bigint, second: bigint, third: bigint): bigint
}

/** @returns undefined for a processor whose instructions are not known */
export function machineCodeFor(arch: string, page: bigint): MachineCode | undefined {
  if (arch === 'x64') return new X64Code(page)
  return arch === 'arm64' ? new Arm64Code(page) : undefined
}

/** System V calling convention: arguments in rdi, rsi, rdx; rbx survives a call. */
class X64Code extends MachineCode {
  begin(): bigint {
    const start = this.here
    this.#emit(0x53, 0x48, 0x89, 0xfb) // push rbx, which aligns the stack for calls; mov rbx, rdi
    return start
  }

  call(target: bigint, second: bigint, third: bigint): void {
    this.#emit(0x48, 0x89, 0xdf) // mov rdi, rbx
    this.#move64(0xbe, second)
    this.#move64(0xba, third)
    this.#move64(0xb8, target)
    this.#emit(0xff, 0xd0) // call rax
  }

  print(text: bigint, length: number): void {
    this.#move32(0xb8, 1) // write
    this.#move32(0xbf, STDERR)
    this.#move64(0xbe, text)
    this.#move32(0xba, length)
    this.#emit(0x0f, 0x05) // syscall
  }

  signalSelf(signal: number): void {
    this.#move32(0xb8, 39) // getpid
    this.#emit(0x0f, 0x05, 0x89, 0xc7) // syscall; mov edi, eax
    this.#move32(0xbe, signal)
    this.#move32(0xb8, 62) // kill
    this.#emit(0x0f, 0x05)
  }

  return(): void {
    this.#emit(0x5b, 0xc3) // pop rbx; ret
  }

  jump(target: bigint, first: bigint, second: bigint, third: bigint): bigint {
    const start = this.here
    this.#move64(0xbf, first)
    this.#move64(0xbe, second)
    this.#move64(0xba, third)
    this.#move64(0xb8, target)
    this.#emit(0xff, 0xe0) // jmp rax
    return start
  }

  /** mov r32, imm32: b8 eax, ba edx, be esi, bf edi */
  #move32(opcode: number, value: number): void {
    this.#emit(opcode)
    this.at = this.bytes.writeUInt32LE(value, this.at)
  }

  /** mov r64, imm64 */
  #move64(opcode: number, value: bigint): void {
    this.#emit(0x48, opcode)
    this.at = this.bytes.writeBigUInt64LE(value, this.at)
  }

  #emit(...bytes: number[]): void {
    for (const byte of bytes) this.at = this.bytes.writeUInt8(byte, this.at)
  }
}

/** AAPCS64: arguments in x0 to x2; x19 survives a call. A system call's number is in x8. */
class Arm64Code extends MachineCode {
  begin(): bigint {
    const start = this.#align()
    // stp x29, x30, [sp, #-32]!; str x19, [sp, #16]; mov x19, x0
    this.#emit(0xa9be7bfd, 0xf9000bf3, 0xaa0003f3)
    return start
  }

  call(target: bigint, second: bigint, third: bigint): void {
    this.#emit(0xaa1303e0) // mov x0, x19
    this.#move(1, second)
    this.#move(2, third)
    this.#move(16, target)
    this.#emit(0xd63f0200) // blr x16
  }

  print(text: bigint, length: number): void {
    this.#move(0, BigInt(STDERR))
    this.#move(1, text)
    this.#move(2, BigInt(length))
    this.#systemCall(64) // write
  }

  signalSelf(signal: number): void {
    this.#systemCall(172) // getpid, whose result is kill's first argument
    this.#move(1, BigInt(signal))
    this.#systemCall(129) // kill
  }

  return(): void {
    this.#emit(0xf9400bf3, 0xa8c27bfd, 0xd65f03c0) // ldr x19, [sp, #16]; ldp x29, x30, [sp], #32; ret
  }

  jump(target: bigint, first: bigint, second: bigint, third: bigint): bigint {
    const start = this.#align()
    for (const [register, value] of [first, second, third].entries()) this.#move(register, value)
    this.#move(16, target)
    this.#emit(0xd61f0200) // br x16
    return start
  }

  #systemCall(number: number): void {
    this.#move(8, BigInt(number))
    this.#emit(0xd4000001) // svc #0
  }

  /** movz, then movk for each higher 16 bits. */
  #move(register: number, value: bigint): void {
    for (let part = 0; part < 4; part += 1) {
      const bits = Number((value >> BigInt(part * 16)) & 0xffffn)
      this.#emit(((part === 0 ? 0xd2800000 : 0xf2800000) | (part << 21) | (bits << 5) | register) >>> 0)
    }
  }

  /** Instructions lie at multiples of four. */
  #align(): bigint {
    this.at = Math.ceil(this.at / 4) * 4
    return this.here
  }

  #emit(...instructions: number[]): void {
    for (const instruction of instructions) this.at = this.bytes.writeUInt32LE(instruction, this.at)
  }
}
