{{/* Rules of NetworkPolicies for what leaves a pod. */}}

{{- define "immichvr.toDns" -}}
- ports:
    {{- range .Values.networkPolicy.dnsPorts | default (list 53) }}
    - {port: {{ int . }}, protocol: UDP}
    - {port: {{ int . }}, protocol: TCP}
    {{- end }}
  to:
    {{- if .Values.networkPolicy.dnsTo }}
    {{- toYaml .Values.networkPolicy.dnsTo | nindent 4 }}
    {{- else }}
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
    {{- end }}
{{- end -}}

{{- define "immichvr.toBus" -}}
{{- if .Values.nats.embedded.enabled -}}
- ports: [{port: 4222}]
  to:
    - podSelector:
        matchLabels:
          {{- include "immichvr.selector" (dict "root" . "component" "nats") | nindent 10 }}
{{- else -}}
- ports: {{ include "immichvr.portsOf" (dict "ports" .Values.networkPolicy.natsPorts "url" .Values.nats.external.url) }}
  to:
    {{- include "immichvr.peers" .Values.networkPolicy.natsTo | nindent 4 }}
{{- end -}}
{{- end -}}

{{- define "immichvr.toStorage" -}}
{{- if .Values.s3.embedded.enabled -}}
- ports: [{port: 8333}]
  to:
    - podSelector:
        matchLabels:
          {{- include "immichvr.selector" (dict "root" . "component" "s3") | nindent 10 }}
{{- else -}}
- ports: {{ include "immichvr.portsOf" (dict "ports" .Values.networkPolicy.s3Ports "url" .Values.s3.external.endpoint) }}
  to:
    {{- include "immichvr.peers" .Values.networkPolicy.s3To | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* Ports of a rule: ports, which are told, or else that of the url. Policies hold where a connection ends, behind the
     Service whose port an address has. */}}
{{- define "immichvr.portsOf" -}}
[{{- range $index, $port := .ports | default (list (include "immichvr.portOf" .url)) -}}
{{- if $index }}, {{ end }}{port: {{ int $port }}}
{{- end -}}]
{{- end -}}

{{/* Peers that are named; where none are, everybody but the addresses at which clouds give out a node's credentials. */}}
{{- define "immichvr.peers" -}}
{{- if . -}}
{{- toYaml . -}}
{{- else -}}
- namespaceSelector: {}
- ipBlock:
    cidr: 0.0.0.0/0
    except: [169.254.0.0/16]
- ipBlock:
    cidr: ::/0
    except: [fe80::/10, "fd00:ec2::254/128"]
{{- end -}}
{{- end -}}

{{/* Public addresses alone: nothing of the cluster or of the network around it. */}}
{{- define "immichvr.toInternet" -}}
- ports: [{port: 443}, {port: 80}]
  to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
    - ipBlock:
        cidr: ::/0
        except: [fc00::/7, fe80::/10]
{{- end -}}
