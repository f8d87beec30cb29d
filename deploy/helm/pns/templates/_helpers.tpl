{{/* The prefix of all names. */}}
{{- define "pns.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels that select the pods of an app. Takes a dict with root and name. */}}
{{- define "pns.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "pns.labels" -}}
{{ include "pns.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end -}}

{{/* The port of the probes and metrics of an app. Takes its name. */}}
{{- define "pns.healthPort" -}}
{{- if eq . "api" }}3000{{ else }}3003{{ end -}}
{{- end -}}

{{/* The secrets of an app, separated by blanks. Takes a dict with root and name. */}}
{{- define "pns.secrets" -}}
{{- $names := list "DATABASE_URL" -}}
{{- if ne .name "migrate" }}{{ $names = append $names "REDIS_URL" }}{{ end -}}
{{- if eq .name "api" }}{{ $names = append $names "PNS_BOOTSTRAP_API_KEY" }}{{ end -}}
{{- if and (has .name (list "api" "worker-websocket")) (not .root.Values.sessions.jwksUrl) }}{{ $names = append $names "PNS_SESSION_SECRET" }}{{ end -}}
{{- if has .name (list "api" "worker-webhook" "worker-apns" "worker-fcm" "worker-wns" "worker-webpush") }}{{ $names = append $names "PNS_ENCRYPTION_KEY" }}{{ end -}}
{{- join " " $names -}}
{{- end -}}

{{- define "pns.image" -}}
{{- printf "%s:%s" .root.Values.image.repository (.tag | default .root.Values.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}

{{/* Fields of every pod: image pull secrets, rights. Takes the root. */}}
{{- define "pns.podDefaults" -}}
# Variables for each Service whose name begins with pns would stop the apps, which refuse unknown variables.
enableServiceLinks: false
automountServiceAccountToken: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{- define "pns.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Variables that name the files of the secrets. Takes a dict with root and name. */}}
{{- define "pns.secretEnv" -}}
{{- range splitList " " (include "pns.secrets" .) }}
- name: {{ . }}_FILE
  value: /pns/secrets/{{ . }}
{{- end }}
{{- end -}}

{{/* The volume with the files of the secrets. Takes a dict with root and name. */}}
{{- define "pns.secretVolume" -}}
- name: secrets
  secret:
    secretName: {{ required "secrets.name: name a Secret with DATABASE_URL and the other secrets" .root.Values.secrets.name }}
    defaultMode: 0440
    items:
      {{- range splitList " " (include "pns.secrets" .) }}
      - key: {{ index $.root.Values.secrets.keys . }}
        path: {{ . }}
      {{- end }}
{{- end -}}
