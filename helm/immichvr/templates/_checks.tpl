{{/* What the schema cannot say: told before anything is rendered, with what to do. */}}
{{- define "immichvr.checks" -}}
{{- $root := . -}}
{{- $values := .Values -}}
{{- range $path, $words := .Files.Get "files/moved.json" | fromJson -}}
{{- $at := $root.Values -}}
{{- range $part := splitList "." $path -}}
{{- $at = ternary (get (ternary $at dict (kindIs "map" $at)) $part) nil (kindIs "map" $at) -}}
{{- end -}}
{{- if not (or (kindIs "invalid" $at) (and (kindIs "string" $at) (empty $at))) -}}
{{- fail (printf "there is no value %s: %s" $path $words) -}}
{{- end -}}
{{- end -}}
{{- $services := include "immichvr.services" . | fromJson -}}
{{- range $name, $own := $values.services -}}
{{- $row := get $services $name | default dict -}}
{{- if not $row.takes_jobs -}}
{{- $there := list -}}
{{- range $known, $one := $services }}{{ if $one.takes_jobs }}{{ $there = append $there $known }}{{ end }}{{ end -}}
{{- fail (printf "services.%s: there is no such service of workers; there are: %s" $name (join ", " $there)) -}}
{{- end -}}
{{- range $pool, $set := $own.pools -}}
{{- $jobs := get ($set | default dict) "jobs" | default $values.worker.jobs -}}
{{- if not (has $jobs $row.pools) -}}
{{- fail (printf "services.%s.pools.%s.jobs: %s has no jobs for the pool %s, only for: %s" $name $pool $name $jobs (join ", " $row.pools)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $values.nats.embedded.enabled $values.nats.external.url -}}
{{- fail "nats.external.url is set while the embedded NATS is on: set nats.embedded.enabled=false, or leave nats.external.url empty" -}}
{{- end -}}
{{- if and $values.nats.embedded.enabled (ne $values.nats.embedded.service.type "ClusterIP") (not $values.nats.embedded.tls.existingSecret) -}}
{{- fail "NATS would be open to the world without TLS: set nats.embedded.tls.existingSecret, or nats.embedded.service.type=ClusterIP" -}}
{{- end -}}
{{- if not (or $values.nats.embedded.enabled $values.nats.external.url) -}}
{{- fail "there is no NATS: set nats.external.url, like nats://nats.nats.svc:4222, or nats.embedded.enabled=true" -}}
{{- end -}}
{{- if and $values.s3.embedded.enabled $values.s3.external.endpoint -}}
{{- fail "s3.external.endpoint is set while the embedded S3 is on: set s3.embedded.enabled=false, or leave s3.external.endpoint empty" -}}
{{- end -}}
{{- if not (or $values.s3.embedded.enabled $values.s3.external.endpoint) -}}
{{- fail "there is no S3: set s3.external.endpoint, like https://s3.example, or s3.embedded.enabled=true" -}}
{{- end -}}
{{- if and $values.gateway.enabled (not $values.photos.existingClaim) (not $values.immich.url) -}}
{{- fail "there are no photos: set immich.url, like http://immich-server:2283, or photos.existingClaim with a folder of photos" -}}
{{- end -}}
{{- if and $values.keda.enabled (eq $values.keda.trigger "external") (not $values.gateway.enabled) -}}
{{- fail "KEDA's external trigger asks the gateway, and gateway.enabled is false: set keda.trigger=nats-jetstream, or keda.enabled=false" -}}
{{- end -}}
{{- if and $values.keda.enabled (eq $values.keda.trigger "nats-jetstream") (not $values.nats.embedded.enabled) (not $values.keda.natsMonitoringEndpoint) -}}
{{- fail "KEDA's trigger nats-jetstream asks NATS's monitoring port: set keda.natsMonitoringEndpoint, like nats.nats.svc:8222" -}}
{{- end -}}
{{- if and $values.attach.enabled (not $values.gateway.enabled) -}}
{{- fail "attach.enabled opens a door of the gateway, and gateway.enabled is false: set attach.url for workers, and attach.enabled where the gateway is" -}}
{{- end -}}
{{- if and $values.attach.enabled (not $values.attach.tls.existingSecret) -}}
{{- fail "the gateway's door for workers would be open without TLS: set attach.tls.existingSecret, or attach.enabled=false" -}}
{{- end -}}
{{- $onClaim := dict -}}
{{- range $one := include "immichvr.pools" . | fromJsonArray -}}
{{- $claim := include "immichvr.cacheClaim" (merge (dict "root" $root) $one) -}}
{{- if and $claim (has "ReadWriteOncePod" $values.caches.accessModes) -}}
{{- $workers := ternary $one.pool.scaling.maxReplicas $one.pool.replicas $values.keda.enabled | int -}}
{{- $_ := set $onClaim $claim (add (get $onClaim $claim | default 0) $workers (min 1 (len $one.pool.download))) -}}
{{- if gt (int (get $onClaim $claim)) 1 -}}
{{- fail (printf "caches.accessModes: one pod alone may mount %s, and several would; set it to [ReadWriteOnce], which keeps them on one node, or to [ReadWriteMany]" $claim) -}}
{{- end -}}
{{- end -}}
{{- if and $one.pool.download (not $root.Values.caches.enabled) (not $one.pool.caches.existingClaim) -}}
{{- fail (printf "services.%s.pools.%s.download: there is nowhere to keep models; set caches.enabled=true" $one.component $one.name) -}}
{{- end -}}
{{- end -}}
{{- if and $values.maintenance.backup.schedule (not $values.maintenance.backup.existingClaim) -}}
{{- fail "maintenance.backup has nowhere to write to: set maintenance.backup.existingClaim, best one of another storage than NATS and S3 have" -}}
{{- end -}}
{{- end -}}
