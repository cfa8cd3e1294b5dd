
{{ define "deep" }}
{{ .Values.a.b }}{{ end }}