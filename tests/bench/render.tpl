{{- $part := .Values.partNUMBER -}}
{{- if $part.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ printf "%s-NUMBER" .Release.Name | trunc 63 | trimSuffix "-" }}
  labels:
    {{- include "s.labels" . | nindent 4 }}
spec:
  replicas: {{ $part.replicas | int }}
  template:
    spec:
      containers:
        - name: part
          image: "{{ $part.image.repository }}:{{ $part.image.tag | default .Chart.AppVersion }}"
          {{- with $part.env }}
          env:
            {{- range $index, $variable := . }}
            - name: {{ $variable.name }}
              value: {{ tpl $variable.value $ | quote }}
            {{- end }}
          {{- end }}
          resources:
            {{- toYaml $part.resources | nindent 12 }}
{{- end }}
