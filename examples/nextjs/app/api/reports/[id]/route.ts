import { findJob } from 'resque-runtime'

export async function GET(_request: Request, { params }: { params: Promise<{ id: string }> }): Promise<Response> {
  const job = findJob((await params).id)
  const { state, progress, error } = await job.status()
  return Response.json({ state, progress, error, result: state === 'done' ? await job.result() : undefined })
}
