import { Body, Controller, Get, Module, Param, Post, type OnApplicationShutdown } from '@nestjs/common'
import { close, enqueue, findJob } from 'resque-runtime'
import { ReportJob } from './jobs/report-job.js'
import { ReportsModule } from './reports/reports.module.js'

@Controller('reports')
export class ReportsController implements OnApplicationShutdown {
  @Post()
  async start(@Body() body: { rows: number }): Promise<{ id: string }> {
    const { id } = await enqueue(ReportJob, body.rows)
    return { id }
  }

  @Get(':id')
  async show(@Param('id') id: string): Promise<object> {
    const job = findJob(id)
    const { state, progress, error } = await job.status()
    return { state, progress, error, result: state === 'done' ? await job.result() : undefined }
  }

  onApplicationShutdown(): void {
    close()
  }
}

@Module({ imports: [ReportsModule], controllers: [ReportsController] })
export class AppModule {}
