/** What a spawned process asks of Linux, in one file: loading it loads koffi. */
export { dieWithParent, limit, RLIMIT, SIGKILL } from '../fork/zygote/core/libc.ts'
export { environmentPointers } from '../fork/zygote/child-identity/environment-mark.ts'
export { setLimits } from '../fork/zygote/core/job-limits.ts'
export { installStackPrinter } from '../../stack/stack-printer.ts'
