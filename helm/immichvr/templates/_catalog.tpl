{{/* What there is to deploy, read from the catalogue: a new service needs no new template. */}}

{{- define "immichvr.services" -}}
{{- (.Files.Get "files/catalog.json" | fromJson).services | toJson -}}
{{- end -}}

{{/* Every pool of workers that is on, as a list: service (its row), name, component, pool (its values). */}}
{{- define "immichvr.pools" -}}
{{- $root := . -}}
{{- $found := list -}}
{{- range $name, $service := include "immichvr.services" . | fromJson -}}
{{- $row := merge (dict "name" $name) $service -}}
{{- $values := get $root.Values.services $name | default dict -}}
{{- if and $service.takes_jobs (ne (toString $values.enabled) "false") -}}
{{- range $pool, $own := $values.pools | default (dict "cpu" dict) -}}
{{- $shared := dict "settings" ($values.settings | default dict) "extraEnv" ($values.extraEnv | default list) -}}
{{- $merged := mustMergeOverwrite (deepCopy $root.Values.worker) $shared (deepCopy ($own | default dict)) -}}
{{- if $merged.enabled -}}
{{- $found = append $found (dict "service" $row "name" $pool "component" $name "pool" $merged) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $found | toJson -}}
{{- end -}}

{{/* Whether some pool of a service takes the jobs that a GPU is of use for: root, name. */}}
{{- define "immichvr.hasGpuJobs" -}}
{{- $name := .name -}}
{{- range include "immichvr.pools" .root | fromJsonArray -}}
{{- if and (eq .component $name) (eq .pool.jobs "gpu") }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/* Whether a pool works with a GPU, or something else that is claimed. */}}
{{- define "immichvr.isAccelerated" -}}
{{- if or (gt (int .gpu.count) 0) .resourceClaims }}true{{ end -}}
{{- end -}}
