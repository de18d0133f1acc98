{{/* How objects are named and labelled. */}}

{{- define "immichvr.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels by which Services, policies and budgets find pods: root, component, and a pool where there is one. */}}
{{- define "immichvr.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- with .pool }}
immichvr/pool: {{ . }}
{{- end }}
{{- end -}}

{{- define "immichvr.labels" -}}
{{ include "immichvr.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{/* The image of a service: root, service, variant. */}}
{{- define "immichvr.image" -}}
{{- $image := .root.Values.image -}}
{{- $tag := $image.tag | default .root.Chart.AppVersion -}}
{{- $name := .service.image -}}
{{- with .variant }}{{ $name = printf "%s-%s" $name . }}{{ end -}}
{{- $named := printf "%s:%s" $name $tag -}}
{{- with get $image.digests $name }}{{ $named = printf "%s@%s" $named . }}{{ end -}}
{{- with $image.registry }}{{ $named = printf "%s/%s" . $named }}{{ end -}}
{{- $named -}}
{{- end -}}
