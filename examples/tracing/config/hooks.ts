/** Each job's process starts its own SDK, after the fork. */
export async function afterFork(): Promise<void> {
  // @ts-expect-error -- a CommonJS file without types
  await import('../tracing.cjs')
}
