package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// references are what a pod needs beside it on the host before it can start there.
type references struct {
	secrets, configMaps, claims map[string]bool
	tokens                      []corev1.ServiceAccountTokenProjection
}

// toHostPod is the copy of a tenant's pod, with every name that it mentions as it is on the host.
func (s *syncer) toHostPod(pod *corev1.Pod) (*corev1.Pod, references, error) {
	used := references{secrets: map[string]bool{}, configMaps: map[string]bool{}, claims: map[string]bool{}}
	copied := &corev1.Pod{ObjectMeta: s.hostMeta(pod, podKind), Spec: *pod.Spec.DeepCopy()}
	copied.Annotations[accountAnnotation] = pod.Spec.ServiceAccountName
	no := false
	spec := &copied.Spec
	// The host has neither the tenant's accounts and priorities, nor services to link.
	spec.ServiceAccountName, spec.DeprecatedServiceAccount = s.workloadAccount(), ""
	spec.AutomountServiceAccountToken, spec.EnableServiceLinks = &no, &no
	spec.PriorityClassName, spec.Priority, spec.PreemptionPolicy = "", nil, nil
	spec.EphemeralContainers = nil
	spec.Subdomain = ""
	if spec.Hostname == "" {
		spec.Hostname = hostname(pod.Name)
	}
	for i := range spec.Volumes {
		if err := s.translateVolume(pod, &spec.Volumes[i], &used); err != nil {
			return nil, references{}, err
		}
	}
	for i := range spec.InitContainers {
		s.translateContainer(pod, &spec.InitContainers[i], &used)
	}
	for i := range spec.Containers {
		s.translateContainer(pod, &spec.Containers[i], &used)
	}
	for i := range spec.ImagePullSecrets {
		spec.ImagePullSecrets[i].Name = used.secret(s, pod, spec.ImagePullSecrets[i].Name)
	}
	return copied, used, nil
}

func (s *syncer) workloadAccount() string {
	account := s.config.ControlPlane.Advanced.WorkloadServiceAccount
	switch {
	case !account.Enabled:
		return ""
	case account.Name != "":
		return account.Name
	}
	return "vc-workload-" + s.name
}

func (s *syncer) translateVolume(pod *corev1.Pod, volume *corev1.Volume, used *references) error {
	switch {
	case volume.Secret != nil:
		volume.Secret.SecretName = used.secret(s, pod, volume.Secret.SecretName)
	case volume.ConfigMap != nil:
		volume.ConfigMap.Name = used.configMap(s, pod, volume.ConfigMap.Name)
	case volume.PersistentVolumeClaim != nil:
		volume.PersistentVolumeClaim.ClaimName = used.claim(s, pod, volume.PersistentVolumeClaim.ClaimName)
	case volume.Ephemeral != nil:
		// The tenant's controller manager makes the claim, and it is synced like any other.
		name := used.claim(s, pod, pod.Name+"-"+volume.Name)
		volume.VolumeSource = corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}
	case volume.DownwardAPI != nil:
		translateFields(volume.DownwardAPI.Items)
	case volume.Projected != nil:
		for i := range volume.Projected.Sources {
			s.translateProjection(pod, &volume.Projected.Sources[i], used)
		}
	case volume.HostPath != nil:
		return fmt.Errorf("volume `%s`: host paths are not synced", volume.Name)
	}
	return nil
}

// translateProjection swaps a token, which the host would issue for its own API, for a
// Secret with one of the tenant's.
func (s *syncer) translateProjection(pod *corev1.Pod, source *corev1.VolumeProjection, used *references) {
	switch {
	case source.Secret != nil:
		source.Secret.Name = used.secret(s, pod, source.Secret.Name)
	case source.ConfigMap != nil:
		source.ConfigMap.Name = used.configMap(s, pod, source.ConfigMap.Name)
	case source.DownwardAPI != nil:
		translateFields(source.DownwardAPI.Items)
	case source.ServiceAccountToken != nil:
		token := *source.ServiceAccountToken
		key := tokenKey(len(used.tokens))
		used.tokens = append(used.tokens, token)
		*source = corev1.VolumeProjection{Secret: &corev1.SecretProjection{
			LocalObjectReference: corev1.LocalObjectReference{Name: s.tokensName(pod.Name, pod.Namespace)},
			Items:                []corev1.KeyToPath{{Key: key, Path: token.Path}},
		}}
	}
}

func tokenKey(index int) string { return fmt.Sprintf("token-%d", index) }

func (s *syncer) tokensName(pod, namespace string) string {
	return s.hostName(pod+"-tokens", namespace)
}

func (s *syncer) translateContainer(pod *corev1.Pod, container *corev1.Container, used *references) {
	for i := range container.EnvFrom {
		source := &container.EnvFrom[i]
		if source.SecretRef != nil {
			source.SecretRef.Name = used.secret(s, pod, source.SecretRef.Name)
		}
		if source.ConfigMapRef != nil {
			source.ConfigMapRef.Name = used.configMap(s, pod, source.ConfigMapRef.Name)
		}
	}
	for i := range container.Env {
		from := container.Env[i].ValueFrom
		switch {
		case from == nil:
		case from.SecretKeyRef != nil:
			from.SecretKeyRef.Name = used.secret(s, pod, from.SecretKeyRef.Name)
		case from.ConfigMapKeyRef != nil:
			from.ConfigMapKeyRef.Name = used.configMap(s, pod, from.ConfigMapKeyRef.Name)
		case from.FieldRef != nil:
			from.FieldRef.FieldPath = hostField(from.FieldRef.FieldPath)
		}
	}
	// A pod that talks to "its" API server means the tenant's, which is the cluster's Service.
	container.Env = append([]corev1.EnvVar{
		{Name: "KUBERNETES_SERVICE_HOST", Value: s.service.Spec.ClusterIP},
		{Name: "KUBERNETES_SERVICE_PORT", Value: "443"},
		{Name: "KUBERNETES_SERVICE_PORT_HTTPS", Value: "443"},
		{Name: "KUBERNETES_PORT", Value: "tcp://" + s.service.Spec.ClusterIP + ":443"},
	}, container.Env...)
}

func translateFields(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		if items[i].FieldRef != nil {
			items[i].FieldRef.FieldPath = hostField(items[i].FieldRef.FieldPath)
		}
	}
}

// hostField is where the copy keeps what the tenant's pod is asked for.
func hostField(path string) string {
	annotation, found := map[string]string{
		"metadata.name": nameAnnotation, "metadata.namespace": namespaceAnnotation,
		"metadata.uid": uidAnnotation, "spec.serviceAccountName": accountAnnotation,
	}[path]
	if !found {
		return path
	}
	return "metadata.annotations['" + annotation + "']"
}

func hostname(pod string) string {
	return strings.TrimRight(strings.ReplaceAll(pod, ".", "-")[:min(63, len(pod))], "-")
}

func (r *references) secret(s *syncer, pod *corev1.Pod, name string) string {
	return note(r.secrets, s, pod, name)
}

func (r *references) configMap(s *syncer, pod *corev1.Pod, name string) string {
	return note(r.configMaps, s, pod, name)
}

func (r *references) claim(s *syncer, pod *corev1.Pod, name string) string {
	return note(r.claims, s, pod, name)
}

func note(names map[string]bool, s *syncer, pod *corev1.Pod, name string) string {
	if name == "" {
		return ""
	}
	names[name] = true
	return s.hostName(name, pod.Namespace)
}
