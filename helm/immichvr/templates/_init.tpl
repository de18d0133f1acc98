{{/* The pod that makes streams, durables and the bucket: root, component, service (the gateway's row). */}}
{{- define "immichvr.initSpec" -}}
{{- include "immichvr.podHead" . }}
restartPolicy: OnFailure
containers:
  - name: init
    image: {{ include "immichvr.image" . }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    command: [python, -m, immichvr_gateway.prepare]
    env:
      {{- include "immichvr.env" (dict "prefix" .service.env_prefix "settings" (list (include "immichvr.settings.connections" . | fromJson) (pick .root.Values.gateway.settings "LEASE_S")) "extra" list) | trim | nindent 6 }}
    resources:
      requests: {cpu: 100m, memory: 256Mi}
      limits: {memory: 1Gi}
    securityContext:
      {{- include "immichvr.containerSecurity" . | nindent 6 }}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: secrets, mountPath: /run/secrets/immichvr, readOnly: true}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  {{- include "immichvr.secretsVolume" (include "immichvr.secretFiles.connections" . | fromJsonArray) | nindent 2 }}
{{- end -}}
