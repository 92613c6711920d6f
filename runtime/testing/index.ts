/** For an application's own tests: jobs without a worker, and time without waiting. */
export { fakeClock, type FakeClock } from './fake-clock.ts'
export { inline } from './inline.ts'
export { drain, type Drained } from './drain.ts'
