'use client'
import { useState } from 'react'

export default function Page() {
  const [shown, show] = useState('not started')
  const start = async () => {
    const { id } = await (await fetch('/api/reports', { method: 'POST', body: '{"rows":100}' })).json()
    for (let state = 'waiting'; !['done', 'failed', 'cancelled'].includes(state);) {
      const status = await (await fetch(`/api/reports/${id}`)).json()
      state = status.state
      show(JSON.stringify(status))
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  return (
    <main>
      <button onClick={start}>Start</button>
      <p>{shown}</p>
    </main>
  )
}
