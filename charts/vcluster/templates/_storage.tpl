{{- /* Where the state lives; it decides the kind of the workload. Each answers "true" or nothing. */ -}}

{{- define "vc.claimsVolume" -}}
{{- $persistence := .Values.controlPlane.statefulSet.persistence -}}
{{- $enabled := toString $persistence.volumeClaim.enabled -}}
{{- if $persistence.volumeClaimTemplates -}}
true
{{- else if eq $enabled "true" -}}
true
{{- else if and (eq $enabled "auto") (not .Values.controlPlane.backingStore.etcd.external.enabled) -}}
true
{{- end -}}
{{- end -}}

{{- define "vc.isReplicated" -}}
{{- if gt (int .Values.controlPlane.statefulSet.highAvailability.replicas) 1 -}}
true
{{- end -}}
{{- end -}}
