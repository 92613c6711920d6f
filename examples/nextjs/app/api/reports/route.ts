import { enqueue } from 'resque-runtime'
import { ReportJob } from '../../../src/jobs/report-job'

export async function POST(request: Request): Promise<Response> {
  const { rows } = (await request.json()) as { rows: number }
  const job = await enqueue(ReportJob, rows)
  return Response.json({ id: job.id }, { status: 202 })
}
