{{- /* Settings that are right one by one and wrong together. The control plane would refuse them at start, where it is
       seen late. What is wrong with one setting alone is said by the table of value paths. */ -}}

{{- define "vc.check" -}}
{{- $workload := .Values.controlPlane.statefulSet -}}
{{- $store := .Values.controlPlane.backingStore -}}
{{- $to := .Values.sync.toHost -}}
{{- $from := .Values.sync.fromHost -}}
{{- if and (include "vc.isReplicated" .) (not $store.etcd.external.enabled) -}}
{{- fail "controlPlane.statefulSet.highAvailability.replicas: more than one replica needs controlPlane.backingStore.etcd.external, the built-in store serves one" -}}
{{- end -}}
{{- if and $store.etcd.external.enabled (not $store.etcd.external.endpoint) -}}
{{- fail "controlPlane.backingStore.etcd.external.endpoint: must be set when the external etcd is enabled" -}}
{{- end -}}
{{- if and $store.etcd.external.enabled (dig "database" "embedded" "enabled" false $store) -}}
{{- fail "controlPlane.backingStore: an external etcd and the embedded database cannot both be enabled" -}}
{{- end -}}
{{- if and (include "vc.claimsVolume" .) $workload.persistence.dataVolume -}}
{{- fail "controlPlane.statefulSet.persistence.dataVolume: needs controlPlane.statefulSet.persistence.volumeClaim.enabled=false, the claim is the data volume otherwise" -}}
{{- end -}}
{{- if and (include "vc.schedules" .) (not $from.nodes.enabled) -}}
{{- fail "sync.fromHost.nodes.enabled: must be true for the virtual cluster to have a scheduler of its own" -}}
{{- end -}}
{{- if and $to.storageClasses.enabled (eq (toString $from.storageClasses.enabled) "true") -}}
{{- fail "sync.toHost.storageClasses and sync.fromHost.storageClasses cannot both be enabled" -}}
{{- end -}}
{{- if and $to.priorityClasses.enabled $from.priorityClasses.enabled -}}
{{- fail "sync.toHost.priorityClasses and sync.fromHost.priorityClasses cannot both be enabled" -}}
{{- end -}}
{{- range $kind := list "configMaps" "secrets" -}}
{{- $sync := index $from $kind -}}
{{- if and $sync.enabled (not $sync.mappings.byName) -}}
{{- fail (printf "sync.fromHost.%s.mappings.byName: must say what to sync when it is enabled" $kind) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^(v.*)?$" .Values.controlPlane.distro.k8s.version) -}}
{{- fail "controlPlane.distro.k8s.version: must be the tag of an image, such as v1.35.0" -}}
{{- end -}}
{{- if not (regexMatch "^(https?://.*)?$" .Values.exportKubeConfig.server) -}}
{{- fail "exportKubeConfig.server: must begin with https:// or http://" -}}
{{- end -}}
{{- if and .Values.controlPlane.ingress.enabled (not (or .Values.controlPlane.ingress.host (dig "rules" list (.Values.controlPlane.ingress.spec | default dict)))) -}}
{{- fail "controlPlane.ingress.host: must be set when the ingress is enabled" -}}
{{- end -}}
{{- end -}}

{{- /* Whether pods are scheduled inside; "true" or nothing. */ -}}
{{- define "vc.schedules" -}}
{{- if or .Values.controlPlane.distro.k8s.scheduler.enabled .Values.controlPlane.advanced.virtualScheduler.enabled -}}
true
{{- end -}}
{{- end -}}
