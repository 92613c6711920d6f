/**
 * A setting that cannot be used. Ends the command with exit code 2; each problem is one line that says where it stands,
 * what was expected, what came, and what to do.
 */
export class ConfigError extends Error {
  readonly code = 'ERR_CONFIG'
  readonly exitCode = 2
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options?: { cause?: unknown }) {
    super(problems.join('\n'), options)
    this.name = 'ConfigError'
    this.problems = problems
  }
}
