{{/* How processes reach the bus and storage, and which secrets they see: settings without their prefix, as JSON. */}}

{{- define "immichvr.natsUrl" -}}
{{- $nats := .Values.nats -}}
{{- if $nats.embedded.enabled -}}
{{- ternary "tls" "nats" (not (empty $nats.embedded.tls.existingSecret)) }}://{{ include "immichvr.fullname" . }}-nats:4222
{{- else -}}
{{- $nats.external.url -}}
{{- end -}}
{{- end -}}

{{- define "immichvr.s3Endpoint" -}}
{{- if .Values.s3.embedded.enabled -}}
http://{{ include "immichvr.fullname" . }}-s3:8333
{{- else -}}
{{- .Values.s3.external.endpoint -}}
{{- end -}}
{{- end -}}

{{/* The port of an address, or the usual one of its scheme. */}}
{{- define "immichvr.portOf" -}}
{{- $usual := dict "http" "80" "https" "443" "nats" "4222" "tls" "4222" "ws" "80" "wss" "443" -}}
{{- $url := urlParse . -}}
{{- if regexMatch ":[0-9]+$" $url.host -}}
{{- regexFind "[0-9]+$" $url.host -}}
{{- else -}}
{{- get $usual $url.scheme -}}
{{- end -}}
{{- end -}}

{{- define "immichvr.secretName" -}}
{{- .Values.secrets.existing | default (printf "%s-secrets" (include "immichvr.fullname" .)) -}}
{{- end -}}

{{- define "immichvr.settings.connections" -}}
{{- $values := .root.Values -}}
{{- $nats := $values.nats -}}
{{- $directory := "/run/secrets/immichvr" -}}
{{- $user := .service.name -}}
{{- if not $nats.embedded.enabled }}{{ $user = replace "{service}" .service.name $nats.external.user }}{{ end -}}
{{- $settings := dict
  "NATS__URL" (include "immichvr.natsUrl" .root)
  "NATS__USER" $user
  "NATS__PASSWORD_FILE" (printf "%s/nats-password" $directory)
  "S3__ENDPOINT" (include "immichvr.s3Endpoint" .root)
  "S3__BUCKET" $values.s3.bucket
  "S3__REGION" $values.s3.region
  "S3__ACCESS_KEY_FILE" (printf "%s/s3-access-key" $directory)
  "S3__SECRET_KEY_FILE" (printf "%s/s3-secret-key" $directory)
  "LOG_JSON" "true"
-}}
{{- if or (and $nats.embedded.enabled $nats.embedded.tls.existingSecret) (and (not $nats.embedded.enabled) $nats.external.caSecret.name) -}}
{{- $_ := set $settings "NATS__CA_FILE" (printf "%s/nats-ca.crt" $directory) -}}
{{- end -}}
{{- if and (not $values.s3.embedded.enabled) $values.s3.external.caSecret.name -}}
{{- $_ := set $settings "S3__CA_FILE" (printf "%s/s3-ca.crt" $directory) -}}
{{- end -}}
{{- $settings | toJson -}}
{{- end -}}

{{/* How services tell of what they do: root. */}}
{{- define "immichvr.settings.telling" -}}
{{- $settings := dict
  "LOG_JSON" "true"
  "METRICS__HOST" "0.0.0.0"
  "METRICS__PORT" "9090"
  "METRICS__TOKEN_FILE" "/run/secrets/immichvr/metrics-token"
-}}
{{- with .root.Values.tracing.endpoint }}{{ $_ := set $settings "TRACING__ENDPOINT" . }}{{ end -}}
{{- $settings | toJson -}}
{{- end -}}

{{- define "immichvr.tracingEnv" -}}
{{- with .root.Values.tracing }}
{{- if and .endpoint .headersSecret.name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom: {secretKeyRef: {name: {{ .headersSecret.name }}, key: {{ .headersSecret.key }}}}
{{- end }}
{{- end }}
{{- end -}}

{{/* Files of Secrets that a process of a service needs for its connections: a list of secret, key, path. */}}
{{- define "immichvr.secretFiles.connections" -}}
{{- $values := .root.Values -}}
{{- $name := .service.name -}}
{{- $own := include "immichvr.secretName" .root -}}
{{- $found := list -}}
{{- if $values.nats.embedded.enabled -}}
{{- $found = append $found (dict "secret" $own "key" (printf "nats-%s" $name) "path" "nats-password") -}}
{{- with $values.nats.embedded.tls.existingSecret -}}
{{- $found = append $found (dict "secret" . "key" "ca.crt" "path" "nats-ca.crt") -}}
{{- end -}}
{{- else -}}
{{- $nats := $values.nats.external -}}
{{- $found = append $found (dict "secret" ($nats.existingSecret | default $own) "key" (replace "{service}" $name $nats.passwordKey) "path" "nats-password") -}}
{{- if $nats.caSecret.name -}}
{{- $found = append $found (dict "secret" $nats.caSecret.name "key" $nats.caSecret.key "path" "nats-ca.crt") -}}
{{- end -}}
{{- end -}}
{{- $s3 := $values.s3.external -}}
{{- $secret := $own -}}
{{- $accessKey := printf "s3-%s-access-key" $name -}}
{{- $secretKey := printf "s3-%s-secret-key" $name -}}
{{- if not $values.s3.embedded.enabled -}}
{{- $secret = $s3.existingSecret | default $own -}}
{{- $accessKey = replace "{service}" $name $s3.accessKeyKey -}}
{{- $secretKey = replace "{service}" $name $s3.secretKeyKey -}}
{{- if $s3.caSecret.name -}}
{{- $found = append $found (dict "secret" $s3.caSecret.name "key" $s3.caSecret.key "path" "s3-ca.crt") -}}
{{- end -}}
{{- end -}}
{{- $found = append $found (dict "secret" $secret "key" $accessKey "path" "s3-access-key") -}}
{{- $found = append $found (dict "secret" $secret "key" $secretKey "path" "s3-secret-key") -}}
{{- $found | toJson -}}
{{- end -}}

{{/* A volume of such files, named `secrets`. */}}
{{- define "immichvr.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret }}
          items:
            - {key: {{ .key }}, path: {{ .path }}}
      {{- end }}
{{- end -}}
