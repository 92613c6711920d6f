import { MASK, maskUrl } from './redis-url.ts'

/** A copy of any settings with passwords and the passwords inside URLs masked: what may be printed. */
export function maskSecrets(settings: unknown): unknown {
  if (typeof settings === 'string') return maskUrl(settings)
  if (Array.isArray(settings)) return settings.map(maskSecrets)
  if (typeof settings !== 'object' || settings === null) return settings
  const entries = Object.entries(settings) as [string, unknown][]
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === 'password' && value !== undefined ? MASK : maskSecrets(value)]),
  )
}
