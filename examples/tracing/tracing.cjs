// Starts OpenTelemetry in the process that loads this file. OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME and the other
// variables of OpenTelemetry say where spans and metrics go. It is CommonJS, so that `node --require` can load it.
const { NodeSDK } = require('@opentelemetry/sdk-node')

new NodeSDK().start()
