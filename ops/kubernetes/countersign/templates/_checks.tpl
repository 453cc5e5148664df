{{- /* Fails with everything that has to be set, in one message. */ -}}
{{- define "countersign.checks" -}}
{{- $missing := list -}}
{{- range $path, $is := dict
    "image.repository: where your image is, such as registry.example/countersign" .Values.image.repository
    "publicUrl: the public URL of the desk, such as https://desk.example" .Values.publicUrl
    "kafka.bootstrapServers: the addresses of Kafka, host:port, separated by commas" .Values.kafka.bootstrapServers
    "approval.existingSecret: a Secret with DATABASE_URL, LINK_SECRET and OIDC_CLIENT_SECRET" .Values.approval.existingSecret
    "approval.oidcIssuer: the issuer URL of your OpenID Connect provider" .Values.approval.oidcIssuer
    "approval.oidcClientId: the client that you registered there" .Values.approval.oidcClientId
    "approval.oidcAudience: the audience of the API's bearer tokens" .Values.approval.oidcAudience
    "exporter.existingSecret: a Secret with DATABASE_URL" .Values.exporter.existingSecret
    "exporter.connections: the text of connections.toml; use --set-file" .Values.exporter.connections
    "notifier.existingSecret: a Secret with DATABASE_URL and SMTP_URL" .Values.notifier.existingSecret
    "notifier.mailFrom: the sender of every mail" .Values.notifier.mailFrom
    "digest.existingSecret: a Secret with DATABASE_URL and LINK_SECRET" .Values.digest.existingSecret
    "migration.existingSecret: a Secret with MIGRATION_DATABASE_URL" (or (not .Values.migration.enabled) .Values.migration.existingSecret)
    "topics.existingSecret: a Secret with KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD" (or (not .Values.topics.enabled) (not .Values.kafka.saslMechanism) .Values.topics.existingSecret)
    "ingress.trustedProxies: the networks of your ingress controller, such as 10.0.0.0/8" (or (not .Values.ingress.enabled) .Values.ingress.trustedProxies)
    "networkPolicy.collector.ports: the port of tracing.endpoint, such as 4318" (or (not .Values.networkPolicy.enabled) (not .Values.tracing.endpoint) .Values.networkPolicy.collector.ports)
    "image.tag: a version or a digest, because `latest` changes by itself" (ne .Values.image.tag "latest")
    "kafka.saslMechanism: kafka.securityProtocol has SASL, so it needs one, such as SCRAM-SHA-512" (or (not (hasPrefix "SASL" .Values.kafka.securityProtocol)) .Values.kafka.saslMechanism)
-}}
{{- if not $is }}{{ $missing = append $missing (printf "  %s" $path) }}{{ end -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled .Values.kafka.bootstrapServers -}}
{{- range splitList "," .Values.kafka.bootstrapServers -}}
{{- $port := last (splitList ":" .) -}}
{{- if not (has $port ($.Values.networkPolicy.kafka.ports | toStrings)) -}}
{{- $missing = append $missing (printf "  networkPolicy.kafka.ports: %s too, a port of kafka.bootstrapServers" $port) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $missing }}{{ fail (printf "\n\nThese values have to be set:\n%s\n\nThe chart's README.md describes all values.\n" (join "\n" ($missing | uniq | sortAlpha))) }}{{ end -}}
{{- end }}
