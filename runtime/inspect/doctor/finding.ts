/** One thing that `runtime doctor` has to say. */
export interface Finding {
  /** `bad`: something is broken or will be; `note`: worth knowing, or why something waits; `fine`. */
  level: 'bad' | 'note' | 'fine'
  what: string
  /** What to do about it. */
  cure?: string
}

export const bad = (what: string, cure: string): Finding => ({ level: 'bad', what, cure })
export const note = (what: string, cure?: string): Finding => ({ level: 'note', what, ...(cure ? { cure } : {}) })
export const fine = (what: string): Finding => ({ level: 'fine', what })
