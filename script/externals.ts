/** Packages that script/bundle.ts does not bundle: they have native code, or are programs of their own. */
export const external: readonly string[] = ['esbuild', 'koffi', 'pg', 'tsx']
