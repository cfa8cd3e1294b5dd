{{- /* The rights outside of its namespace that the enabled syncs need, as a YAML list; empty by default. */ -}}

{{- define "vc.clusterRules" -}}
{{- $to := .Values.sync.toHost -}}
{{- $from := .Values.sync.fromHost -}}
{{- $schedules := include "vc.schedules" . -}}
{{- with .Values.rbac.clusterRole.overwriteRules }}
{{ toYaml . }}
{{- else }}
{{- if $from.nodes.enabled }}
- apiGroups: [""]
  resources: ["pods", "nodes", "nodes/status"]
  verbs: ["get", "list", "watch"]
{{- with .Values.networking.advanced.proxyKubelets }}
{{- if or .byHostname .byIP }}
- apiGroups: [""]
  resources: ["nodes/metrics", "nodes/stats", "nodes/proxy"]
  verbs: ["get"]
{{- end }}
{{- end }}
{{- if $from.nodes.syncBackChanges }}
- apiGroups: [""]
  resources: ["nodes", "nodes/status"]
  verbs: ["patch", "update"]
{{- end }}
{{- end }}
{{- range $resource, $sync := dict "storageclasses" $from.storageClasses "csinodes" $from.csiNodes "csidrivers" $from.csiDrivers "csistoragecapacities" $from.csiStorageCapacities }}
{{- if or (eq (toString $sync.enabled) "true") (and $schedules (eq (toString $sync.enabled) "auto")) }}
- apiGroups: ["storage.k8s.io"]
  resources: [{{ $resource | quote }}]
  verbs: ["get", "list", "watch"]
{{- end }}
{{- end }}
{{- if $from.ingressClasses.enabled }}
- apiGroups: ["networking.k8s.io"]
  resources: ["ingressclasses"]
  verbs: ["get", "list", "watch"]
{{- end }}
{{- if $from.runtimeClasses.enabled }}
- apiGroups: ["node.k8s.io"]
  resources: ["runtimeclasses"]
  verbs: ["get", "list", "watch"]
{{- end }}
{{- if $from.priorityClasses.enabled }}
- apiGroups: ["scheduling.k8s.io"]
  resources: ["priorityclasses"]
  verbs: ["get", "list", "watch"]
{{- end }}
{{- if $to.priorityClasses.enabled }}
- apiGroups: ["scheduling.k8s.io"]
  resources: ["priorityclasses"]
  verbs: ["create", "delete", "patch", "update", "get", "list", "watch"]
{{- end }}
{{- if $to.storageClasses.enabled }}
- apiGroups: ["storage.k8s.io"]
  resources: ["storageclasses"]
  verbs: ["create", "delete", "patch", "update", "get", "list", "watch"]
{{- end }}
{{- if $to.persistentVolumes.enabled }}
- apiGroups: [""]
  resources: ["persistentvolumes"]
  verbs: ["create", "delete", "patch", "update", "get", "list", "watch"]
{{- end }}
{{- if .Values.networking.replicateServices.fromHost }}
- apiGroups: [""]
  resources: ["services", "endpoints"]
  verbs: ["get", "list", "watch"]
{{- end }}
{{- include "vc.mappedRules" (dict "root" . "resource" "configmaps" "sync" $from.configMaps) }}
{{- include "vc.mappedRules" (dict "root" . "resource" "secrets" "sync" $from.secrets) }}
{{- with .Values.rbac.clusterRole.extraRules }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What reading the mapped objects of other namespaces takes: root, resource, sync.
       A mapping is `namespace/name`, `namespace/*`, `/name` or empty; the last two mean the namespace of the release.
       A watch cannot be narrowed to names, so only the reading of one object is. */ -}}
{{- define "vc.mappedRules" -}}
{{- if and .sync.enabled .sync.mappings.byName }}
{{- $namespaces := list }}
{{- $names := list }}
{{- $all := false }}
{{- range $source, $target := .sync.mappings.byName }}
{{- $parts := splitList "/" $source }}
{{- $namespaces = append $namespaces (first $parts | default $.root.Release.Namespace) }}
{{- if or (lt (len $parts) 2) (eq (last $parts) "*") }}
{{- $all = true }}
{{- else }}
{{- $names = append $names (last $parts) }}
{{- end }}
{{- end }}
- apiGroups: [""]
  resources: ["namespaces"]
  resourceNames: {{ $namespaces | uniq | sortAlpha | toJson }}
  verbs: ["get", "list", "watch"]
- apiGroups: [""]
  resources: [{{ .resource | quote }}]
  verbs: ["list", "watch"]
- apiGroups: [""]
  resources: [{{ .resource | quote }}]
  {{- if not $all }}
  resourceNames: {{ $names | uniq | sortAlpha | toJson }}
  {{- end }}
  verbs: ["get"]
{{- end }}
{{- end -}}
