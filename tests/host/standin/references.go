package main

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// tokenSeconds outlasts any test: a Secret is not renewed as a projected token is.
const tokenSeconds = 365 * 24 * 60 * 60

// bringReferences copies what a pod mounts or reads. What does not exist is left out: the
// host's kubelet waits for it as the tenant's would, and it follows when it is made.
func (s *syncer) bringReferences(ctx context.Context, pod *corev1.Pod, used references) error {
	toHost := s.config.Sync.ToHost
	if toHost.Secrets.Enabled {
		for name := range used.secrets {
			if err := s.copySecret(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: name}); err != nil {
				return err
			}
		}
	}
	if toHost.ConfigMaps.Enabled {
		for name := range used.configMaps {
			if err := s.copyConfigMap(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: name}); err != nil {
				return err
			}
		}
	}
	for name := range used.claims {
		if err := s.syncClaim(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: name}); err != nil {
			return err
		}
	}
	return s.bringTokens(ctx, pod, used.tokens)
}

func (s *syncer) bringTokens(ctx context.Context, pod *corev1.Pod, wanted []corev1.ServiceAccountTokenProjection) error {
	if len(wanted) == 0 {
		return nil
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: s.tokensName(pod.Name, pod.Namespace), Namespace: s.namespace, OwnerReferences: s.owners(false),
			Labels: map[string]string{managedByLabel: s.name, namespaceLabel: pod.Namespace},
		},
		Data: map[string][]byte{},
	}
	seconds := int64(tokenSeconds)
	for i, projection := range wanted {
		request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
		if projection.Audience != "" {
			request.Spec.Audiences = []string{projection.Audience}
		}
		answer, err := s.virtual.CoreV1().ServiceAccounts(pod.Namespace).CreateToken(ctx, pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("cannot get a token for service account `%s`: %w", pod.Spec.ServiceAccountName, err)
		}
		secret.Data[tokenKey(i)] = []byte(answer.Status.Token)
	}
	return s.applySecret(ctx, secret)
}

func (s *syncer) removeTokens(ctx context.Context, pod types.NamespacedName) error {
	name := s.tokensName(pod.Name, pod.Namespace)
	if _, err := s.hostSecrets.Secrets(s.namespace).Get(name); apierrors.IsNotFound(err) {
		return nil
	}
	return ignoreGone(s.host.CoreV1().Secrets(s.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
}

// syncSecret keeps a copy that a pod once needed like its original, and removes it with it.
func (s *syncer) syncSecret(ctx context.Context, name types.NamespacedName) error {
	secret, err := s.secrets.Secrets(name.Namespace).Get(name.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	isGone := err != nil
	hostName := s.hostName(name.Name, name.Namespace)
	copied, err := s.hostSecrets.Secrets(s.namespace).Get(hostName)
	switch {
	case apierrors.IsNotFound(err) && !isGone:
		return s.wakeWaiting(ctx, name, func(used references) bool { return used.secrets[name.Name] })
	case err != nil:
		return ignoreGone(err)
	case isGone:
		return ignoreGone(s.host.CoreV1().Secrets(s.namespace).Delete(ctx, hostName, metav1.DeleteOptions{}))
	case equality.Semantic.DeepEqual(secret.Data, copied.Data):
		return nil
	}
	return s.copySecret(ctx, name)
}

func (s *syncer) copySecret(ctx context.Context, name types.NamespacedName) error {
	secret, err := s.virtual.CoreV1().Secrets(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	if err != nil {
		return ignoreGone(err)
	}
	copied := &corev1.Secret{ObjectMeta: s.hostMeta(secret, secretKind), Data: secret.Data, Type: secret.Type}
	if copied.Type == corev1.SecretTypeServiceAccountToken {
		// The host would look for the account, and remove the copy.
		copied.Type = corev1.SecretTypeOpaque
	}
	return s.applySecret(ctx, copied)
}

func (s *syncer) syncConfigMap(ctx context.Context, name types.NamespacedName) error {
	configMap, err := s.configMaps.ConfigMaps(name.Namespace).Get(name.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	isGone := err != nil
	hostName := s.hostName(name.Name, name.Namespace)
	copied, err := s.hostConfigMaps.ConfigMaps(s.namespace).Get(hostName)
	switch {
	case apierrors.IsNotFound(err) && !isGone:
		return s.wakeWaiting(ctx, name, func(used references) bool { return used.configMaps[name.Name] })
	case err != nil:
		return ignoreGone(err)
	case isGone:
		return ignoreGone(s.host.CoreV1().ConfigMaps(s.namespace).Delete(ctx, hostName, metav1.DeleteOptions{}))
	case equality.Semantic.DeepEqual(configMap.Data, copied.Data) && equality.Semantic.DeepEqual(configMap.BinaryData, copied.BinaryData):
		return nil
	}
	return s.copyConfigMap(ctx, name)
}

func (s *syncer) copyConfigMap(ctx context.Context, name types.NamespacedName) error {
	configMap, err := s.virtual.CoreV1().ConfigMaps(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	if err != nil {
		return ignoreGone(err)
	}
	copied := &corev1.ConfigMap{ObjectMeta: s.hostMeta(configMap, configMapKind), Data: configMap.Data, BinaryData: configMap.BinaryData}
	configMaps := s.host.CoreV1().ConfigMaps(s.namespace)
	_, err = configMaps.Create(ctx, copied, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = configMaps.Update(ctx, copied, metav1.UpdateOptions{})
	}
	return err
}

// wakeWaiting is for a pod that was copied before what it needs existed.
func (s *syncer) wakeWaiting(ctx context.Context, name types.NamespacedName, needs func(references) bool) error {
	pods, err := s.hostPods.Pods(s.namespace).List(everything)
	if err != nil {
		return err
	}
	for _, hostPod := range pods {
		original := originalName(hostPod)
		if original.Namespace != name.Namespace {
			continue
		}
		pod, err := s.pods.Pods(original.Namespace).Get(original.Name)
		if err != nil {
			continue
		}
		if _, used, err := s.toHostPod(pod); err == nil && needs(used) {
			return s.bringReferences(ctx, pod, references{secrets: used.secrets, configMaps: used.configMaps})
		}
	}
	return nil
}

// syncClaim copies a claim and tells the tenant which volume it got.
func (s *syncer) syncClaim(ctx context.Context, name types.NamespacedName) error {
	if !s.config.Sync.ToHost.PersistentVolumeClaims.Enabled {
		return nil
	}
	claim, err := s.claims.PersistentVolumeClaims(name.Namespace).Get(name.Name)
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	isGone := err != nil
	hostName := s.hostName(name.Name, name.Namespace)
	hostClaims := s.host.CoreV1().PersistentVolumeClaims(s.namespace)
	copied, err := s.hostClaims.PersistentVolumeClaims(s.namespace).Get(hostName)
	switch {
	case apierrors.IsNotFound(err) && isGone:
		return nil
	case apierrors.IsNotFound(err):
		wanted := &corev1.PersistentVolumeClaim{ObjectMeta: s.hostMeta(claim, claimKind), Spec: *claim.Spec.DeepCopy()}
		wanted.Spec.VolumeName = ""
		_, err := hostClaims.Create(ctx, wanted, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	case err != nil:
		return err
	case isGone:
		return ignoreGone(hostClaims.Delete(ctx, hostName, metav1.DeleteOptions{}))
	}
	return s.copyClaimStatus(ctx, claim, copied)
}

func (s *syncer) copyClaimStatus(ctx context.Context, claim, copied *corev1.PersistentVolumeClaim) error {
	claims := s.virtual.CoreV1().PersistentVolumeClaims(claim.Namespace)
	wanted := claim.DeepCopy()
	if claim.Spec.VolumeName == "" && copied.Spec.VolumeName != "" {
		wanted.Spec.VolumeName = copied.Spec.VolumeName
		updated, err := claims.Update(ctx, wanted, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		wanted = updated
	}
	copied.Status.DeepCopyInto(&wanted.Status)
	if equality.Semantic.DeepEqual(claim.Status, wanted.Status) {
		return nil
	}
	_, err := claims.UpdateStatus(ctx, wanted, metav1.UpdateOptions{})
	return ignoreGone(err)
}
