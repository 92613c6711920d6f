import type { NextConfig } from 'next'

const config: NextConfig = {
  // It starts processes and reads its own files, so it is not bundled.
  serverExternalPackages: ['resque-runtime'],
}

export default config
