const two = (n: number): string => String(n).padStart(2, '0')

/** Ruby's `%Y/%m/%d %H:%M:%S %Z` in local time, as `failed_at` and `retried_at` have it: `2026/11/21 21:51:52 UTC`. */
export function formatFailedAt(date: Date): string {
  const day = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`
  return `${day} ${clock(date)} ${zoneName(date)}`
}

/** The moment of a `failed_at`, in ms; undefined for one that cannot be read. A zone that JavaScript does not know counts as this machine's. */
export function parseFailedAt(text: string): number | undefined {
  const moments = [Date.parse(text), Date.parse(text.replace(/ [A-Z]+$/, ''))]
  return moments.find((moment) => !Number.isNaN(moment))
}

/** Ruby's `Time#to_s` in local time, as `worker:<id>:started` has it: `2026-11-21 22:06:14 +0000`. */
export function formatStarted(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${clock(date)} ${offset(date).replace(':', '')}`
}

/** ISO 8601 with an offset and no fraction, as the heartbeat hash has it: `2026-11-21T22:06:14+00:00`. */
export function formatHeartbeat(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, '+00:00')
}

/** UTC with Z and no fraction, as `run_at` has it: `2026-11-21T21:52:16Z`. */
export function formatRunAt(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

function clock(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** The zone's letters where English knows them (`CET`), else its offset as Ruby prints a zone without letters (`-03`). */
function zoneName(date: Date): string {
  const part = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
    .formatToParts(date)
    .find((p) => p.type === 'timeZoneName')
  if (part && /^[A-Z]{3,5}$/.test(part.value)) return part.value
  return offset(date).replace(':00', '').replace(':', '')
}
