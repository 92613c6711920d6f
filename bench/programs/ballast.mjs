/** About so many megabytes of small objects on the heap, as an application with many modules has them. */
export function ballast(megabytes) {
  return Array.from({ length: megabytes * 8000 }, (_, index) => ({
    index,
    text: `object ${index}`,
    list: [index, index + 1],
  }))
}
