{{/* What a worker's processes are told, and which secrets they see: root, service, name, component, pool. */}}

{{/* Who may call a worker. The gateway's token is for the methods that it calls; where it calls none, gRPC still has to
     know somebody, since it is open for probes: whoever runs the cluster. */}}
{{- define "immichvr.settings.callers" -}}
{{- $caller := ternary "GATEWAY" "OPERATOR" (not (empty .service.gateway_calls)) -}}
{{- dict
  "RPC__HOST" "0.0.0.0"
  "RPC__PORT" "50051"
  (printf "RPC__CALLERS__%s__TOKEN_FILE" $caller) "/run/secrets/immichvr/rpc-token"
  (printf "RPC__CALLERS__%s__CALLS" $caller) (join "," .service.gateway_calls | default "*")
| toJson -}}
{{- end -}}

{{- define "immichvr.workerEnv" -}}
{{- $pool := .pool -}}
{{- $own := dict
  "WORK__POOL" $pool.jobs
  "WORK__CHILDREN" (toString (int ($pool.children | default .service.children)))
  "WORK__STOP_GRACE_S" (toString (int $pool.graceSeconds))
  "WORK__DIRECTORY" "/tmp"
-}}
{{- if .service.runs_models -}}
{{- with $pool.preload }}{{ $_ := set $own "MODELS__PRELOAD" (toJson .) }}{{ end -}}
{{- end -}}
{{- if .root.Values.rpc.tls.existingSecret -}}
{{- $_ := set $own "RPC__TLS__CERTIFICATE_FILE" "/run/secrets/immichvr/rpc-tls.crt" -}}
{{- $_ := set $own "RPC__TLS__KEY_FILE" "/run/secrets/immichvr/rpc-tls.key" -}}
{{- end -}}
{{- if and .service.serves_sessions .root.Values.attach.url -}}
{{- $_ := set $own "LIVE__ATTACH__ADDRESS" .root.Values.attach.url -}}
{{- $_ := set $own "LIVE__ATTACH__TOKEN_FILE" "/run/secrets/immichvr/attach-token" -}}
{{- with .root.Values.attach.caSecret.name }}{{ $_ := set $own "LIVE__ATTACH__CA_FILE" "/run/secrets/immichvr/attach-ca.crt" }}{{ end -}}
{{- end -}}
{{- $connections := include "immichvr.settings.connections" . | fromJson -}}
{{- $telling := include "immichvr.settings.telling" . | fromJson -}}
{{- $callers := include "immichvr.settings.callers" . | fromJson -}}
{{- include "immichvr.env" (dict "prefix" .service.env_prefix "settings" (list $connections $telling $callers $own $pool.settings) "extra" list) | trim }}
{{- if .service.runs_models }}
{{- $claim := include "immichvr.cacheClaim" . }}
{{ include "immichvr.modelsEnv" (merge (dict "claim" $claim) .) }}
{{- if $claim }}
- {name: TORCHINDUCTOR_CACHE_DIR, value: /caches/inductor}
- {name: TRITON_CACHE_DIR, value: /caches/triton}
{{- end }}
{{- end }}
{{- include "immichvr.tracingEnv" . }}
{{- range $pool.extraEnv }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- define "immichvr.workerSecretFiles" -}}
{{- $own := include "immichvr.secretName" .root -}}
{{- $found := include "immichvr.secretFiles.connections" . | fromJsonArray -}}
{{- $found = append $found (dict "secret" $own "key" (printf "rpc-%s" .service.name) "path" "rpc-token") -}}
{{- $found = append $found (dict "secret" $own "key" "metrics-token" "path" "metrics-token") -}}
{{- if and .service.serves_sessions .root.Values.attach.url -}}
{{- $found = append $found (dict "secret" $own "key" (printf "attach-%s" .service.name) "path" "attach-token") -}}
{{- with .root.Values.attach.caSecret -}}
{{- if .name }}{{ $found = append $found (dict "secret" .name "key" .key "path" "attach-ca.crt") }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with .root.Values.rpc.tls.existingSecret -}}
{{- $found = append $found (dict "secret" . "key" "tls.crt" "path" "rpc-tls.crt") -}}
{{- $found = append $found (dict "secret" . "key" "tls.key" "path" "rpc-tls.key") -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* The claim that a pool keeps its caches in; nothing where it keeps none. */}}
{{- define "immichvr.cacheClaim" -}}
{{- if and .service.runs_models (or .root.Values.caches.enabled .pool.caches.existingClaim) -}}
{{- $fullname := include "immichvr.fullname" .root -}}
{{- if .pool.caches.existingClaim -}}
{{- .pool.caches.existingClaim -}}
{{- else if eq .root.Values.caches.scope "shared" -}}
{{- $fullname }}-caches
{{- else -}}
{{- $fullname }}-caches-{{ .component }}-{{ .name }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* gRPC's own probe cannot speak TLS. */}}
{{- define "immichvr.workerProbe" -}}
{{- if .Values.rpc.tls.existingSecret -}}
tcpSocket: {port: rpc}
{{- else -}}
grpc: {port: 50051}
{{- end -}}
{{- end -}}
