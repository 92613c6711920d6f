/** A count and its noun: `1 job`, `1,234 jobs`. @param more the plural, where it is not `one` with an s */
export const plural = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? one : more}`
