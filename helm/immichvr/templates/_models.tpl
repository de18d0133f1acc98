{{/* Variables of the models' cache, which have no prefix of a service: root, service, claim (empty: none is kept). */}}
{{- define "immichvr.modelsEnv" -}}
{{- $models := .root.Values.models -}}
- {name: IMMICHVR_MODELS_AUTO_DOWNLOAD, value: {{ ternary "1" "0" $models.autoDownload | quote }}}
{{- if $models.offline }}
- {name: IMMICHVR_MODELS_OFFLINE, value: "1"}
{{- end }}
{{- with $models.url }}
- {name: IMMICHVR_MODELS_URL, value: {{ . | quote }}}
{{- end }}
{{- if .service.runs_models }}
{{- if $models.tokenSecret.name }}
- name: HF_TOKEN
  valueFrom: {secretKeyRef: {name: {{ $models.tokenSecret.name }}, key: {{ $models.tokenSecret.key }}}}
{{- end }}
{{- if .claim }}
- {name: IMMICHVR_MODELS_DIR, value: /caches/models}
{{- end }}
{{- end }}
{{- end -}}

{{/* The pod that fetches what a pool wants ahead of its first job: root, service, pool, claim, component. */}}
{{- define "immichvr.modelsSpec" -}}
{{- include "immichvr.podHead" . }}
restartPolicy: OnFailure
{{- range $where := list "nodeSelector" "tolerations" }}
{{- with get $.pool $where }}
{{ $where }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with include "immichvr.affinity" (dict "root" .root "claim" .claim "values" .pool) }}
{{ . }}
{{- end }}
containers:
  - name: models
    image: {{ include "immichvr.image" . }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [python, -m, immichvr_models]
    args:
      {{- range .root.Values.models.acceptLicences }}
      - --accept-licence={{ . }}
      {{- end }}
      {{- toYaml .pool.download | nindent 6 }}
    env:
      {{- include "immichvr.modelsEnv" . | nindent 6 }}
    resources:
      requests: {cpu: 100m, memory: 256Mi}
      limits: {memory: 1Gi}
    securityContext:
      {{- include "immichvr.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: caches, mountPath: /caches}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
  - name: caches
    persistentVolumeClaim: {claimName: {{ .claim }}}
{{- end -}}
