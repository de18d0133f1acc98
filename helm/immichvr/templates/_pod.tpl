{{/* What all pods have in common. */}}

{{- define "immichvr.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "immichvr.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* How every pod begins: root, component. Kubernetes would else lay variables of Services, like
     IMMICHVR_GATEWAY_PORT, over settings of the same name. */}}
{{- define "immichvr.podHead" -}}
serviceAccountName: {{ include "immichvr.fullname" .root }}-{{ .component }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "immichvr.podSecurity" . | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* By which pods on one claim of caches find each other: a claim's name may be longer than a label. */}}
{{- define "immichvr.claimLabel" -}}
immichvr/caches: {{ trunc 54 . }}-{{ sha256sum . | trunc 8 }}
{{- end -}}

{{/* Whether a claim of caches is for pods of one node: root, claim (empty: none). */}}
{{- define "immichvr.isOfOneNode" -}}
{{- if and .claim (not (has "ReadWriteMany" .root.Values.caches.accessModes)) }}true{{ end -}}
{{- end -}}

{{/* The affinity that is told, and that to the pods of a claim of one node: root, claim, values. The first of them goes
     where it likes, since a pod that meets its own rule waits for nobody. */}}
{{- define "immichvr.affinity" -}}
{{- $affinity := deepCopy (.values.affinity | default dict) -}}
{{- if include "immichvr.isOfOneNode" . -}}
{{- $label := include "immichvr.claimLabel" .claim | fromYaml -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" (dict "matchLabels" $label) -}}
{{- $needed := "requiredDuringSchedulingIgnoredDuringExecution" -}}
{{- $pods := get $affinity "podAffinity" | default dict -}}
{{- $_ := set $pods $needed (append (get $pods $needed | default list) $term) -}}
{{- $_ := set $affinity "podAffinity" $pods -}}
{{- end -}}
{{- with $affinity -}}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{/* Where pods of a component go: root, component, pool (a name, may be empty), claim of caches (may be empty), values. */}}
{{- define "immichvr.placement" -}}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "immichvr.affinity" . }}
{{ . }}
{{- end }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "immichvr.selector" . | nindent 8 }}
{{- end -}}

{{/* Environment of settings without their prefix, in the order of their names, and of what is given raw:
     prefix, settings (later ones win), extra. Numbers are written as JSON: Go would make 1e+06 of a million. */}}
{{- define "immichvr.env" -}}
{{- $all := dict -}}
{{- range .settings }}{{ $all = mergeOverwrite $all . }}{{ end -}}
{{- $prefix := .prefix -}}
{{- range $name, $value := $all }}
- {name: {{ $prefix }}{{ $name }}, value: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}}
{{- end }}
{{- range .extra }}
- {{ toYaml . | nindent 2 | trim }}
{{- end }}
{{- end -}}
