// How many jobs this process has run; prints one line of JSON at the end of the warm-up, and one at the end of all. Both
// workers of bench/inline.ts import it.
const [warmUp, jobs] = [Number(process.env.BENCH_WARM_UP), Number(process.env.BENCH_JOBS)]
let [done, startedAt, before] = [0, 0, process.cpuUsage()]

export function count() {
  done += 1
  if (done === warmUp) {
    startedAt = performance.now()
    before = process.cpuUsage()
    console.log(JSON.stringify({ warm: true }))
  }
  if (done !== jobs) return
  const { user, system } = process.cpuUsage(before)
  console.log(JSON.stringify({ ms: performance.now() - startedAt, cpuUs: user + system }))
}
