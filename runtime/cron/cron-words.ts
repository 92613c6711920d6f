import cronstrue from 'cronstrue'
import type { CronFields } from './cron-fields.ts'

/** A field with more values than this is not written as a list. */
const listMax = 12

/**
 * The fields of a cron line in words; undefined where cronstrue has none that say just what fires. It gets a line that
 * is made of the fields: it reads some lines otherwise than they fire (every seventh minute, day or weekday, a step of 61).
 */
export function describeFields(fields: CronFields): string | undefined {
  const { seconds, minutes, hours, months, monthDayGiven, weekdayGiven } = fields
  const monthDays = monthDayGiven ? monthDayField(fields) : '*'
  const weekdays = weekdayGiven ? weekdayField(fields) : '*'
  const parts = [
    ...(seconds.length === 1 && seconds[0] === 0 ? [] : [field(seconds, 0, 59)]),
    ...[field(minutes, 0, 59), field(hours, 0, 23), monthDays, field(months, 1, 12), weekdays],
  ]
  if (parts.includes(undefined) || (monthDayGiven && weekdayGiven)) return undefined
  return cronstrue.toString(parts.join(' '), { use24HourTimeFormat: true, monthStartIndexZero: false })
}

/** The shortest field with just these values, which are in order; undefined when it is a long list. */
function field(values: readonly number[], min: number, max: number): string | undefined {
  const [first = min, second = first] = values
  const step = second - first
  const size = max - min + 1
  const isEven = values.length > 2 && values.every((value, i) => value === first + i * step)
  if (values.length === size) return '*'
  if (isEven && step === 1) return `${first}-${first + values.length - 1}`
  if (isEven && first === min && values.length * step === size) return `*/${step}`
  return values.length <= listMax ? values.join(',') : undefined
}

function monthDayField({ monthDays }: CronFields): string | undefined {
  if (monthDays.length === 1 && monthDays[0] === -1) return 'L'
  const [first = 1] = monthDays
  // Months differ in length, so a step has no whole number of them.
  return first > 0 ? field(monthDays, 1, Infinity) : undefined
}

function weekdayField({ weekdays }: CronFields): string | undefined {
  const [first] = weekdays
  if (weekdays.length === 1 && first?.nth !== undefined) {
    if (first.nth > 0) return `${first.day}#${first.nth}`
    return first.nth === -1 ? `${first.day}L` : undefined
  }
  if (weekdays.some(({ nth, every }) => nth !== undefined || every !== undefined)) return undefined
  const days = [...new Set(weekdays.map(({ day }) => day))].sort((a, b) => a - b)
  return days.length === 7 ? '*' : field(days, 0, Infinity)
}
