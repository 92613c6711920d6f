import { archiveCsv, archiveJson, archivePage } from './pages/archive.ts'
import { bulkPage, startBulk, stopBulk } from './pages/bulk.ts'
import { chartsPage } from './pages/charts.ts'
import { changeDelayed, delayedPage } from './pages/delayed.ts'
import { failuresPage } from './pages/failed.ts'
import { changeChosen, editFailed, editPage, failurePage, removeFailed, retryFailed } from './pages/failure.ts'
import { cancelJob, findPage, jobPage, stackPage } from './pages/job.ts'
import { releaseLockOf, limitsPage } from './pages/limits.ts'
import { auditPage, setTheme } from './pages/audit.ts'
import { redisPage } from './pages/redis.ts'
import { overviewPage } from './pages/overview.ts'
import { pipelinePage, pipelinesPage, runPipeline } from './pages/pipelines.ts'
import {
  clearQueue,
  pauseAll,
  pauseQueue,
  queuePage,
  queuesPage,
  removeItem,
  resumeAll,
  resumeQueue,
} from './pages/queues.ts'
import { runGraph, runPage } from './pages/run.ts'
import { continueRun, retryStep, skipStep, stopRun } from './pages/run-changes.ts'
import { stepPage } from './pages/step.ts'
import { runningPage } from './pages/running.ts'
import { pauseEntry, resumeEntry, runEntry, schedulePage } from './pages/schedule.ts'
import { workersPage } from './pages/workers.ts'
import { workflowsPage } from './pages/workflows.ts'
import type { Route } from './request.ts'

/**
 * Every address behind the login, and the role that it needs. A request for anything else is answered with 404, and one
 * without the role with 403, before its handler is called. Addresses have one part, so that links need no depth.
 */
export const routes: readonly Route[] = [
  { method: 'GET', path: './', role: 'viewer', page: overviewPage },
  { method: 'GET', path: 'failed', role: 'viewer', page: failuresPage },
  { method: 'GET', path: 'failure', role: 'viewer', page: failurePage },
  { method: 'GET', path: 'edit', role: 'operator', page: editPage },
  { method: 'GET', path: 'bulk', role: 'operator', page: bulkPage },
  { method: 'GET', path: 'running', role: 'viewer', page: runningPage },
  { method: 'GET', path: 'stack', role: 'viewer', page: stackPage },
  { method: 'GET', path: 'job', role: 'viewer', page: jobPage },
  { method: 'GET', path: 'find', role: 'viewer', page: findPage },
  { method: 'GET', path: 'queues', role: 'viewer', page: queuesPage },
  { method: 'GET', path: 'queue', role: 'viewer', page: queuePage },
  { method: 'GET', path: 'delayed', role: 'viewer', page: delayedPage },
  { method: 'GET', path: 'charts', role: 'viewer', page: chartsPage },
  { method: 'GET', path: 'workers', role: 'viewer', page: workersPage },
  { method: 'GET', path: 'schedule', role: 'viewer', page: schedulePage },
  { method: 'GET', path: 'workflows', role: 'viewer', page: workflowsPage },
  { method: 'GET', path: 'run', role: 'viewer', page: runPage },
  { method: 'GET', path: 'run-graph', role: 'viewer', download: runGraph },
  { method: 'GET', path: 'step', role: 'viewer', page: stepPage },
  { method: 'GET', path: 'pipelines', role: 'viewer', page: pipelinesPage },
  { method: 'GET', path: 'pipeline', role: 'viewer', page: pipelinePage },
  { method: 'GET', path: 'archive', role: 'viewer', page: archivePage },
  { method: 'GET', path: 'archive-csv', role: 'viewer', download: archiveCsv },
  { method: 'GET', path: 'archive-json', role: 'viewer', download: archiveJson },
  { method: 'GET', path: 'limits', role: 'viewer', page: limitsPage },
  { method: 'GET', path: 'redis', role: 'viewer', page: redisPage },
  { method: 'GET', path: 'audit', role: 'viewer', page: auditPage },
  { method: 'POST', path: 'theme', role: 'viewer', act: setTheme },
  { method: 'POST', path: 'failed-retry', role: 'operator', act: retryFailed },
  { method: 'POST', path: 'failed-remove', role: 'operator', act: removeFailed },
  { method: 'POST', path: 'failed-edit', role: 'operator', act: editFailed },
  { method: 'POST', path: 'failed-chosen', role: 'operator', act: changeChosen },
  { method: 'POST', path: 'bulk-start', role: 'operator', act: startBulk },
  { method: 'POST', path: 'bulk-stop', role: 'operator', act: stopBulk },
  { method: 'POST', path: 'job-cancel', role: 'operator', act: cancelJob },
  { method: 'POST', path: 'queue-pause', role: 'operator', act: pauseQueue },
  { method: 'POST', path: 'queue-resume', role: 'operator', act: resumeQueue },
  { method: 'POST', path: 'all-pause', role: 'operator', act: pauseAll },
  { method: 'POST', path: 'all-resume', role: 'operator', act: resumeAll },
  { method: 'POST', path: 'queue-clear', role: 'operator', act: clearQueue },
  { method: 'POST', path: 'queue-remove', role: 'operator', act: removeItem },
  { method: 'POST', path: 'delayed-change', role: 'operator', act: changeDelayed },
  { method: 'POST', path: 'lock-release', role: 'operator', act: releaseLockOf },
  { method: 'POST', path: 'schedule-run', role: 'operator', act: runEntry },
  { method: 'POST', path: 'schedule-pause', role: 'operator', act: pauseEntry },
  { method: 'POST', path: 'schedule-resume', role: 'operator', act: resumeEntry },
  { method: 'POST', path: 'run-continue', role: 'operator', act: continueRun },
  { method: 'POST', path: 'run-stop', role: 'operator', act: stopRun },
  { method: 'POST', path: 'step-retry', role: 'operator', act: retryStep },
  { method: 'POST', path: 'step-skip', role: 'operator', act: skipStep },
  { method: 'POST', path: 'pipeline-run', role: 'operator', act: runPipeline },
]
