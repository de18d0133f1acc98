{{/* What the gateway's processes are told, and which secrets they see: root, service. */}}

{{- define "immichvr.hasScaler" -}}
{{- if and .Values.gateway.enabled .Values.keda.enabled (eq .Values.keda.trigger "external") }}true{{ end -}}
{{- end -}}

{{- define "immichvr.gatewayEnv" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $gateway := $values.gateway -}}
{{- $directory := "/run/secrets/immichvr" -}}
{{- $own := dict
  "HOST" "0.0.0.0"
  "PORT" "2284"
  "WORK_DIRECTORY" "/tmp"
  "SESSION_KEY_FILE" (printf "%s/session-key" $directory)
-}}
{{- range $name, $service := include "immichvr.services" $root | fromJson -}}
{{- if include "immichvr.hasGpuJobs" (dict "root" $root "name" $name) -}}
{{- $_ := set $own (printf "POOLS__%s" ($name | snakecase | upper)) "gpu" -}}
{{- end -}}
{{- if $service.serves_sessions -}}
{{- $_ := set $own (printf "%s__TOKEN_FILE" ($name | snakecase | upper)) (printf "%s/rpc-%s" $directory $name) -}}
{{- if $values.rpc.tls.existingSecret -}}
{{- $_ := set $own (printf "%s__CA_FILE" ($name | snakecase | upper)) (printf "%s/rpc-ca.crt" $directory) -}}
{{- $_ := set $own (printf "%s__SERVER_NAME" ($name | snakecase | upper)) (printf "%s-%s" (include "immichvr.fullname" $root) $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $values.photos.existingClaim -}}
{{- $_ := set $own "PHOTOS" "/photos" -}}
{{- $_ := set $own "CACHE" "/tmp/thumbnails" -}}
{{- $_ := set $own "ACCESS_TOKEN_FILE" (printf "%s/access-token" $directory) -}}
{{- end -}}
{{- with $values.publicUrl }}{{ $_ := set $own "PUBLIC_URL" . }}{{ end -}}
{{- if not $values.photos.existingClaim -}}
{{- $scheme := ternary "https" "http" (not (empty $gateway.tls.existingSecret)) -}}
{{- $_ := set $own "AUTOMATION__ADDRESS" (printf "%s://%s-gateway.%s.svc:%v" $scheme (include "immichvr.fullname" $root) $root.Release.Namespace $gateway.service.port) -}}
{{- end -}}
{{- with $gateway.trustedProxies }}{{ $_ := set $own "TRUSTED_PROXIES" (join "," .) }}{{ end -}}
{{- if $gateway.tls.existingSecret -}}
{{- $_ := set $own "TLS__CERTIFICATE_FILE" "/run/secrets/tls/tls.crt" -}}
{{- $_ := set $own "TLS__KEY_FILE" "/run/secrets/tls/tls.key" -}}
{{- end -}}
{{- if include "immichvr.hasScaler" $root -}}
{{- $_ := set $own "SCALER__HOST" "0.0.0.0" -}}
{{- $_ := set $own "SCALER__PORT" "9091" -}}
{{- if $values.keda.tls.existingSecret -}}
{{- $_ := set $own "SCALER__TLS__CERTIFICATE_FILE" (printf "%s/scaler-tls.crt" $directory) -}}
{{- $_ := set $own "SCALER__TLS__KEY_FILE" (printf "%s/scaler-tls.key" $directory) -}}
{{- $_ := set $own "SCALER__TLS__CLIENT_CA_FILE" (printf "%s/scaler-ca.crt" $directory) -}}
{{- end -}}
{{- end -}}
{{- if $values.attach.enabled -}}
{{- $_ := set $own "ATTACH__HOST" "0.0.0.0" -}}
{{- $_ := set $own "ATTACH__PORT" "9443" -}}
{{- $_ := set $own "ATTACH__TLS__CERTIFICATE_FILE" (printf "%s/attach-tls.crt" $directory) -}}
{{- $_ := set $own "ATTACH__TLS__KEY_FILE" (printf "%s/attach-tls.key" $directory) -}}
{{- range $name, $service := include "immichvr.services" $root | fromJson -}}
{{- if $service.serves_sessions -}}
{{- $caller := $name | snakecase | upper -}}
{{- $_ := set $own (printf "ATTACH__CALLERS__%s__TOKEN_FILE" $caller) (printf "%s/attach-%s" $directory $name) -}}
{{- $_ := set $own (printf "ATTACH__CALLERS__%s__CALLS" $caller) "Attach" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $connections := include "immichvr.settings.connections" . | fromJson -}}
{{- $telling := include "immichvr.settings.telling" . | fromJson -}}
{{- include "immichvr.env" (dict "prefix" .service.env_prefix "settings" (list $connections $telling $own $gateway.settings) "extra" list) | trim }}
{{ include "immichvr.modelsEnv" . }}
{{- include "immichvr.tracingEnv" . }}
{{- if not $values.photos.existingClaim }}
- {name: IMMICH_URL, value: {{ $values.immich.url | quote }}}
{{- with $values.immich.externalUrl }}
- {name: IMMICH_EXTERNAL_URL, value: {{ . | quote }}}
{{- end }}
{{- if $values.immich.apiKeySecret.name }}
- {name: IMMICH_API_KEY_FILE, value: {{ $directory }}/immich-api-key}
{{- end }}
{{- end }}
{{- range $gateway.extraEnv }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- define "immichvr.gatewaySecretFiles" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $own := include "immichvr.secretName" $root -}}
{{- $found := include "immichvr.secretFiles.connections" . | fromJsonArray -}}
{{- $found = append $found (dict "secret" $own "key" "session-key" "path" "session-key") -}}
{{- $found = append $found (dict "secret" $own "key" "metrics-token" "path" "metrics-token") -}}
{{- if $values.photos.existingClaim -}}
{{- $found = append $found (dict "secret" $own "key" "access-token" "path" "access-token") -}}
{{- else if $values.immich.apiKeySecret.name -}}
{{- $found = append $found (dict "secret" $values.immich.apiKeySecret.name "key" $values.immich.apiKeySecret.key "path" "immich-api-key") -}}
{{- end -}}
{{- if include "immichvr.hasScaler" $root -}}
{{- with $values.keda.tls.existingSecret -}}
{{- range $key := list "tls.crt" "tls.key" "ca.crt" -}}
{{- $found = append $found (dict "secret" $values.keda.tls.existingSecret "key" $key "path" (printf "scaler-%s" $key)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $values.attach.enabled -}}
{{- range $key := list "tls.crt" "tls.key" -}}
{{- $found = append $found (dict "secret" $values.attach.tls.existingSecret "key" $key "path" (printf "attach-%s" $key)) -}}
{{- end -}}
{{- end -}}
{{- range $name, $service := include "immichvr.services" $root | fromJson -}}
{{- if $service.serves_sessions -}}
{{- if $values.attach.enabled -}}
{{- $found = append $found (dict "secret" $own "key" (printf "attach-%s" $name) "path" (printf "attach-%s" $name)) -}}
{{- end -}}
{{- $found = append $found (dict "secret" $own "key" (printf "rpc-%s" $name) "path" (printf "rpc-%s" $name)) -}}
{{- with $values.rpc.tls.existingSecret -}}
{{- $found = append $found (dict "secret" . "key" "ca.crt" "path" "rpc-ca.crt") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}
