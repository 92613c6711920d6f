/** Packages that script/bundle.ts does not bundle: they have native code, or are large and rarely used. */
export const external: readonly string[] = ['@viz-js/viz', 'esbuild', 'koffi', 'pg', 'tsx']
