/** Packages that script/bundle.ts does not bundle: they have native code, are large and rarely used, or are read as files. */
export const external: readonly string[] = ['@viz-js/viz', 'esbuild', 'htmx.org', 'koffi', 'pg', 'tsx']
