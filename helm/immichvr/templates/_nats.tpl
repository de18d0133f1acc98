{{/* The configuration of the embedded server: its accounts are those of the services, passwords come by variables. */}}
{{- define "immichvr.natsConfig" -}}
{{- $nats := .Values.nats.embedded -}}
{{- $bus := .Files.Get "files/bus.json" | fromJson -}}
{{- $isWatched := and .Values.keda.enabled (eq .Values.keda.trigger "nats-jetstream") -}}
listen: "0.0.0.0:4222"
# Nobody has to show a credential there, so it is for the pod alone unless KEDA asks.
http: {{ ternary "0.0.0.0:8222" "127.0.0.1:8222" $isWatched | quote }}
server_name: immichvr
max_payload: 1048576
jetstream { store_dir: "/data", max_file_store: {{ $nats.maxStored }} }
{{- if $nats.tls.existingSecret }}
tls { cert_file: "/run/secrets/tls/tls.crt", key_file: "/run/secrets/tls/tls.key" }
{{- end }}
system_account: {{ $bus.system }}
accounts {
{{- range $account, $lent := $bus.accounts }}
  {{ $account }} {
    users: [
      {{- range $user := get $bus.users $account }}
      {user: {{ $user | quote }}, password: $NATS_PASSWORD_{{ $user | snakecase | upper }}}
      {{- end }}
    ]
    {{- with $lent.jetstream }}
    jetstream: {{ . }}
    {{- end }}
    {{- range $side := list "exports" "imports" }}
    {{- with get $lent $side }}
    {{ $side }}: [
      {{- range . }}
      {{ toRawJson . }}
      {{- end }}
    ]
    {{- end }}
    {{- end }}
  }
{{- end }}
}
{{- end -}}

{{- define "immichvr.natsProbe" -}}
{{- if . -}}
httpGet: {path: /healthz, port: monitor}
{{- else -}}
exec: {command: [wget, -q, -O, /dev/null, "http://127.0.0.1:8222/healthz"]}
{{- end -}}
{{- end -}}
