import type { Assignment, Manifest } from '../../protocol.ts'
import type { JobChannel } from './job-channel.ts'
export interface Application { manifest: Manifest; run(assignment: Assignment, channel: JobChannel): Promise<unknown>; inChild?: () => unknown }
export async function loadApplication(app: unknown): Promise<Application> { return (await import((app as {module: string}).module)) as Application }
