const loopbackNames = new Set(['localhost', '[::1]', '::1'])

/** True for an address, or the host of an address, that only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  loopbackNames.has(host) || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host) || /^::ffff:127\./.test(host)

/** The host of a `Host` header, without its port. */
export const hostName = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()

/**
 * Why a change is refused that another site may have sent; undefined for one of this site's own pages.
 *
 * `Sec-Fetch-Site` answers where the browser sends it: over https and on loopback. On plain http addresses it does not
 * (w3c/webappsec-fetch-metadata), so `Origin` is compared with `Host`. Schemes are not: a proxy that ends TLS hands on http.
 * A proxy that changes `Host` says the first one in `X-Forwarded-Host`, which a page of another site cannot set.
 */
export function crossSite(headers: Headers): string | undefined {
  const site = headers.get('sec-fetch-site')
  if (site === 'same-origin') return undefined
  if (site !== null && site !== 'none') return `the browser says that it comes from another site (${site})`
  const origin = headers.get('origin')
  if (origin === null || origin === 'null') return 'it has no Origin header, or an empty one'
  const forwarded = headers.get('x-forwarded-host')?.split(',')[0]?.trim()
  const own = [headers.get('host'), forwarded].map((host) => host?.toLowerCase())
  const sender = URL.canParse(origin) ? new URL(origin).host : origin
  if (own.includes(sender)) return undefined
  return `its Origin is ${sender}, this site is ${own.filter(Boolean).join(' or ')}; have the proxy keep the Host header, or set X-Forwarded-Host`
}
