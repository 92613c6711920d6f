/** The same numbers with room for more. */
export function extended(numbers: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const array = new Int32Array(length)
  array.set(numbers)
  return array
}
