// Live updates, copy buttons and times in the reader's zone. Every page works without this file.
const live = () => document.getElementById('live')
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
const absolute = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** Adds the reader's own time to each moment's UTC, and shows the buttons that need this file. */
function dress() {
  for (const moment of document.querySelectorAll('time[datetime]')) {
    const utc = moment.dateTime.slice(0, 19).replace('T', ' ')
    moment.title = `${absolute.format(new Date(moment.dateTime))} (${zone}) · ${utc} UTC`
  }
  for (const place of document.querySelectorAll('[data-reader]'))
    place.textContent = `${absolute.format(new Date(place.dataset.reader))} here`
  for (const button of document.querySelectorAll('[data-copy][hidden]')) button.hidden = false
  const isBad = document.querySelector('[data-verdict]')?.dataset.verdict
  const icon = document.querySelector('link[rel=icon]')
  if (icon && isBad !== undefined) icon.href = isBad === 'bad' ? icon.dataset.alarm : icon.dataset.quiet
}

/** The clipboard of browsers is there only over https; the old way works everywhere. */
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('readonly', '')
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy]')
  if (!button) return
  await copy(button.parentElement.querySelector('pre, code').textContent)
  button.textContent = 'Copied'
  setTimeout(() => (button.textContent = 'Copy'), 1500)
})

document.addEventListener('change', (event) => {
  const all = event.target.closest?.('[data-all]')
  if (!all) return
  for (const box of document.querySelectorAll('input[type=checkbox][name=id]')) box.checked = all.checked
})

/** No update while a box is ticked, a form is being filled in, a question is open, or the page is not looked at. */
const isBusy = () =>
  document.hidden ||
  document.querySelector('#live details.careful[open], #live input[type=checkbox]:checked') !== null ||
  live()?.contains(document.activeElement?.closest('input, textarea, select') ?? null)

let answeredAt = Date.now()
function tick() {
  const part = live()
  if (!part?.dataset.refresh) return
  const every = Number(part.dataset.refresh)
  const isStale = Date.now() - answeredAt > 3 * every + 5000 && !isBusy()
  part.classList.toggle('stale', isStale)
  const banner = part.querySelector('[data-stale]')
  if (banner) banner.hidden = !isStale
  if (isBusy()) answeredAt = Date.now() - every
  else part.dispatchEvent(new CustomEvent('refresh'))
  setTimeout(tick, every)
}

document.addEventListener('htmx:after:swap', () => {
  answeredAt = Date.now()
  dress()
})
dress()
// On a narrow screen the menu begins closed.
if (window.matchMedia('(max-width: 52rem)').matches) document.querySelector('.side')?.removeAttribute('open')
const first = Number(live()?.dataset.refresh ?? 0)
if (first > 0) setTimeout(tick, first)
