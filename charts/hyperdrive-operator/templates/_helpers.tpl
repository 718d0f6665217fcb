{{- define "hyperdrive-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "hyperdrive-operator.fullname" -}}
{{- $name := include "hyperdrive-operator.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "hyperdrive-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "hyperdrive-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* On every object. */}}
{{- define "hyperdrive-operator.labels" -}}
{{- $ours := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/part-of" "hyperdrive"
  "app.kubernetes.io/version" (.Chart.AppVersion | toString)
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- toYaml (merge $ours (fromYaml (include "hyperdrive-operator.selectorLabels" .)) .Values.commonLabels) }}
{{- end }}

{{/* On the pods: without versions, so that an upgrade of the chart alone starts no new pod. */}}
{{- define "hyperdrive-operator.podLabels" -}}
{{- $ours := merge (dict "app.kubernetes.io/part-of" "hyperdrive") (fromYaml (include "hyperdrive-operator.selectorLabels" .)) -}}
{{- toYaml (merge $ours .Values.podLabels .Values.commonLabels) }}
{{- end }}

{{- define "hyperdrive-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "hyperdrive-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "hyperdrive-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "hyperdrive-operator.crdAnnotations" -}}
{{- $annotations := .Values.crds.annotations | default dict }}
{{- if .Values.crds.keep }}
{{- $annotations = merge (dict "helm.sh/resource-policy" "keep") $annotations }}
{{- end }}
{{- if $annotations -}}
annotations:
  {{- toYaml $annotations | nindent 2 }}
{{- end }}
{{- end }}

{{/* The flags: those of every installation, then those of the values. */}}
{{- define "hyperdrive-operator.allArgs" -}}
{{- $args := fromYamlArray (include "hyperdrive-operator.args" . | default "[]") }}
{{- with .Values.watchNamespaces }}{{ $args = append $args (printf "--namespaces=%s" (join "," .)) }}{{ end }}
{{- if ne .Values.logging.level "info" }}{{ $args = append $args (printf "--log-level=%s" .Values.logging.level) }}{{ end }}
{{- if ne .Values.logging.format "json" }}{{ $args = append $args (printf "--log-format=%s" .Values.logging.format) }}{{ end }}
{{- if ne (int .Values.metrics.bestValues) 100 }}{{ $args = append $args (printf "--best-values=%d" (int .Values.metrics.bestValues)) }}{{ end }}
{{- with concat $args .Values.extraArgs }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* A role's binding to the operator: (dict "root" $ "kind" "Role" "name" ...). */}}
{{- define "hyperdrive-operator.bound" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "hyperdrive-operator.serviceAccountName" .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
