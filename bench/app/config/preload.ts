// Ballast, for measuring what an application's size costs: BALLAST_MB megabytes of objects.
// Not typed: it is plain JavaScript, for the bound loads it as well.
const path = '../../programs/ballast.mjs'
const { ballast } = (await import(path)) as { ballast: (megabytes: number) => unknown[] }

Object.assign(globalThis, { ballast: ballast(Number(process.env['BALLAST_MB'] ?? 0)) })
