{{- /* Names, labels and images that several objects share. */ -}}

{{- define "vc.chart" -}}
{{- printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* metadata of an object: root, name, and optionally labels, annotations and clusterScoped. */ -}}
{{- define "vc.metadata" -}}
{{- $ours := dict "app" "vcluster" "chart" (include "vc.chart" .root) "release" .root.Release.Name "heritage" .root.Release.Service -}}
{{- $labels := include "vc.labels" (dict "ours" $ours "theirs" .labels) | fromJson -}}
{{- $annotations := merge dict (.annotations | default dict) (.root.Values.controlPlane.advanced.globalMetadata.annotations | default dict) -}}
name: {{ .name | quote }}
{{- if not .clusterScoped }}
namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Labels of ours and theirs as JSON. Objects are found by ours, so that none may be taken over in silence. */ -}}
{{- define "vc.labels" -}}
{{- $theirs := .theirs | default dict -}}
{{- range $label, $value := .ours -}}
{{- if hasKey $theirs $label -}}
{{- fail (printf "the label `%s` is set by the chart and cannot be set by values" $label) -}}
{{- end -}}
{{- end -}}
{{- merge dict .ours $theirs | toJson -}}
{{- end -}}

{{- /* What `vcluster` and `vc` find the control plane by. */ -}}
{{- define "vc.selector" -}}
app: vcluster
release: {{ .Release.Name | quote }}
{{- end -}}

{{- define "vc.serviceAccount" -}}
{{- .Values.controlPlane.advanced.serviceAccount.name | default (printf "vc-%s" .Release.Name) -}}
{{- end -}}

{{- define "vc.workloadServiceAccount" -}}
{{- .Values.controlPlane.advanced.workloadServiceAccount.name | default (printf "vc-workload-%s" .Release.Name) -}}
{{- end -}}

{{- /* Shared by all namespaces, so that a name that has to be cut must still tell them apart. */ -}}
{{- define "vc.clusterRole" -}}
{{- $name := printf "vc-%s-v-%s" .Release.Name .Release.Namespace -}}
{{- if gt (len $name) 63 -}}
{{- printf "%s-%s" ($name | trunc 52 | trimSuffix "-") ($name | sha256sum | trunc 10) -}}
{{- else -}}
{{- $name -}}
{{- end -}}
{{- end -}}

{{- /* An image reference: root, image, tag. */ -}}
{{- define "vc.image" -}}
{{- $registry := .root.Values.controlPlane.advanced.defaultImageRegistry | default .image.registry -}}
{{- if $registry }}{{ $registry | trimSuffix "/" }}/{{ end }}{{ .image.repository }}:{{ .tag -}}
{{- end -}}

{{- /* Resolvers differ by host: cluster DNS, a cache on the node, or the fallback outside. Their ports do not. */ -}}
{{- define "vc.nameLookup" -}}
- ports:
    {{- range $port := list 53 1053 5353 }}
    - port: {{ $port }}
      protocol: UDP
    - port: {{ $port }}
      protocol: TCP
    {{- end }}
{{- end -}}
