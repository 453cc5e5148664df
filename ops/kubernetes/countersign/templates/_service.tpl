{{- /*
One service: its Deployment, ServiceAccount and PodDisruptionBudget. Takes root, service (its name), secrets (variables
from its Secret), variables (a dict), files (mounted in /etc/countersign), and hasVisitors, whether others connect to it.
*/ -}}
{{- define "countersign.service" -}}
{{- $given := index .root.Values .service -}}
{{- $name := printf "%s-%s" (include "countersign.name" .root) .service -}}
{{- $scales := dig "autoscaling" "type" "" $given -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $name }}
  labels: {{- include "countersign.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .service }}
automountServiceAccountToken: false
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels: {{- include "countersign.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .service }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "countersign.chosen" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .service }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels: {{- include "countersign.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .service }}
spec:
  {{- if not $scales }}
  replicas: {{ $given.replicas }}
  {{- end }}
  revisionHistoryLimit: 5
  minReadySeconds: 10
  progressDeadlineSeconds: 600
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {{- include "countersign.chosen" .root | nindent 6 }}
      app.kubernetes.io/component: {{ .service }}
  template:
    metadata:
      labels: {{- include "countersign.labels" .root | nindent 8 }}
        app.kubernetes.io/component: {{ .service }}
      annotations:
        checksum/files: {{ .checksum | default "none" | sha256sum }}
        {{- with $given.podAnnotations }}{{ toYaml . | nindent 8 }}{{ end }}
    spec:
      serviceAccountName: {{ $name }}
      {{- include "countersign.podSecurity" .root | nindent 6 }}
      terminationGracePeriodSeconds: {{ ternary 20 15 .hasVisitors }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "countersign.chosen" $.root | nindent 14 }}
              app.kubernetes.io/component: {{ $.service }}
        {{- end }}
      {{- with $given.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $given.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .service }}
          args: [run, {{ .service }}]
          {{- include "countersign.container" .root | nindent 10 }}
          ports: [{name: http, containerPort: 8000}, {name: metrics, containerPort: 9000}]
          env:
            {{- include "countersign.kafka" (dict "root" .root "secret" $given.existingSecret) | nindent 12 }}
            - {name: LOG_FORMAT, value: {{ .root.Values.logFormat }}}
            - {name: METRICS_PORT, value: "9000"}
            {{- if .root.Values.trust.caSecret }}
            - {name: SSL_CERT_FILE, value: /etc/countersign/trust/ca.crt}
            {{- end }}
            {{- with .root.Values.operations.existingSecret }}
            {{- include "countersign.secretVariable" (dict "variable" "OPERATIONS_TOKEN" "secret" .) | nindent 12 }}
            {{- end }}
            {{- with .root.Values.tracing.endpoint }}
            - {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: {{ . | quote }}}
            {{- if $.root.Values.trust.caSecret }}
            - {name: OTEL_EXPORTER_OTLP_CERTIFICATE, value: /etc/countersign/trust/ca.crt}
            {{- end }}
            {{- with $.root.Values.tracing.existingSecret }}
            {{- include "countersign.secretVariable" (dict "variable" "OTEL_EXPORTER_OTLP_HEADERS" "secret" .) | nindent 12 }}
            {{- end }}
            {{- range $variable, $value := $.root.Values.tracing.settings }}
            - {name: {{ $variable }}, value: {{ $value | quote }}}
            {{- end }}
            {{- end }}
            {{- range .secrets }}
            {{- include "countersign.secretVariable" (dict "variable" . "secret" $given.existingSecret) | nindent 12 }}
            {{- end }}
            {{- range $variable, $value := merge (dict) $given.settings .variables }}
            - {name: {{ $variable }}, value: {{ ternary ($value | toString | float64 | int64) $value (kindIs "float64" $value) | toString | quote }}}
            {{- end }}
          startupProbe:
            httpGet: {path: /health/live, port: http}
            periodSeconds: 2
            timeoutSeconds: 5
            failureThreshold: 45
          livenessProbe:
            httpGet: {path: /health/live, port: http}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            httpGet: {path: /health/ready, port: http}
            periodSeconds: 5
            timeoutSeconds: 5
            failureThreshold: 2
          {{- if .hasVisitors }}
          lifecycle:  # it answers until proxies have learned that the Pod is leaving
            preStop: {exec: {command: [sleep, "5"]}}
          {{- end }}
          resources: {{- toYaml $given.resources | nindent 12 }}
          volumeMounts: {{- include "countersign.mounts" (merge (dict "job" "") .) | nindent 12 }}
      volumes: {{- include "countersign.volumes" (merge (dict "job" "") .) | nindent 8 }}
{{- end }}

{{- define "countersign.visited" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "countersign.name" .root }}-{{ .service }}
  labels: {{- include "countersign.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .service }}
spec:
  ports: [{name: http, port: 80, targetPort: http}{{ if has .service (include "countersign.asked" .root | fromJsonArray) }}, {name: metrics, port: 9000, targetPort: metrics}{{ end }}]
  selector: {{- include "countersign.chosen" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .service }}
{{- end }}
