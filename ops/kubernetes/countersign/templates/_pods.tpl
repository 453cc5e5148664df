{{- define "countersign.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "countersign.container" -}}
image: {{ include "countersign.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* A variable from a key of the same name in a Secret. */ -}}
{{- define "countersign.secretVariable" -}}
- name: {{ .variable }}
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .variable }}}}
{{- end }}

{{- define "countersign.optionalVariable" -}}
- name: {{ .variable }}
  valueFrom: {secretKeyRef: {name: {{ .secret | quote }}, key: {{ .variable }}, optional: true}}
{{- end }}

{{- /* How a process reaches Kafka; .secret has the user and the password if there is a SASL mechanism. */ -}}
{{- define "countersign.kafka" -}}
{{- with .root.Values.kafka -}}
- {name: KAFKA_BOOTSTRAP_SERVERS, value: {{ .bootstrapServers | quote }}}
- {name: KAFKA_SECURITY_PROTOCOL, value: {{ .securityProtocol }}}
- {name: KAFKA_GROUP_PROTOCOL, value: {{ .groupProtocol }}}
{{- if .saslMechanism }}
- {name: KAFKA_SASL_MECHANISM, value: {{ .saslMechanism | quote }}}
{{- range list "KAFKA_SASL_USERNAME" "KAFKA_SASL_PASSWORD" }}
{{ include "countersign.secretVariable" (dict "variable" . "secret" $.secret) }}
{{- end }}
{{- end }}
{{- if .tlsSecret }}
- {name: KAFKA_SSL_CA_LOCATION, value: /etc/countersign/kafka/ca.crt}
{{- if .hasClientCertificate }}
- {name: KAFKA_SSL_CERTIFICATE_LOCATION, value: /etc/countersign/kafka/tls.crt}
- {name: KAFKA_SSL_KEY_LOCATION, value: /etc/countersign/kafka/tls.key}
{{- with $.secret }}
{{ include "countersign.optionalVariable" (dict "variable" "KAFKA_SSL_KEY_PASSWORD" "secret" .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What a process reads and writes; .job is the command of a Job, which gets no Secret that it does not use. */ -}}
{{- define "countersign.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if and .root.Values.kafka.tlsSecret (ne .job "migrate") }}
- {name: kafka, mountPath: /etc/countersign/kafka, readOnly: true}
{{- end }}
{{- if and .root.Values.trust.caSecret (not .job) }}
- {name: trust, mountPath: /etc/countersign/trust, readOnly: true}
{{- end }}
{{- range .files }}
- {name: {{ .name }}, mountPath: /etc/countersign/{{ .name }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "countersign.volumes" -}}
- {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- if and .root.Values.kafka.tlsSecret (ne .job "migrate") }}
- {name: kafka, secret: {secretName: {{ .root.Values.kafka.tlsSecret | quote }}, defaultMode: 0440}}
{{- end }}
{{- if and .root.Values.trust.caSecret (not .job) }}
- {name: trust, secret: {secretName: {{ .root.Values.trust.caSecret | quote }}, defaultMode: 0440}}
{{- end }}
{{- range .files }}
{{- if .secret }}
- {name: {{ .name }}, secret: {secretName: {{ .secret | quote }}, defaultMode: 0440}}
{{- else }}
- {name: {{ .name }}, configMap: {name: {{ .configMap }}}}
{{- end }}
{{- end }}
{{- end }}
