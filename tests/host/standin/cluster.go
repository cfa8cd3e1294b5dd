package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	managedByLabel = "vcluster.loft.sh/managed-by"
	namespaceLabel = "vcluster.loft.sh/namespace"

	annotationPrefix    = "vcluster.loft.sh/object-"
	nameAnnotation      = annotationPrefix + "name"
	namespaceAnnotation = annotationPrefix + "namespace"
	uidAnnotation       = annotationPrefix + "uid"
	kindAnnotation      = annotationPrefix + "kind"
	accountAnnotation   = "vcluster.loft.sh/service-account-name"

	serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// cluster is which virtual cluster this process is, and how it appears on the host.
type cluster struct {
	name, namespace string
	podAddress      string
	config          config
	host            kubernetes.Interface
	service         *corev1.Service
}

// identify finds the cluster's Service, which owns everything that is made for it, and
// makes sure that no other virtual cluster lives in the namespace.
func identify(ctx context.Context, host kubernetes.Interface, config config) (*cluster, error) {
	namespace, err := os.ReadFile(serviceAccountFolder + "/namespace")
	if err != nil {
		return nil, err
	}
	found := &cluster{
		name:       os.Getenv("VCLUSTER_NAME"),
		namespace:  strings.TrimSpace(string(namespace)),
		podAddress: os.Getenv("POD_IP"),
		config:     config,
		host:       host,
	}
	if found.name == "" || found.podAddress == "" {
		return nil, fmt.Errorf("environment variables `VCLUSTER_NAME` and `POD_IP` are needed")
	}
	// The pod may be there before its Service is, and before kube-proxy knows the API's address.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		found.service, err = host.CoreV1().Services(found.namespace).Get(ctx, found.name, metav1.GetOptions{})
		if err == nil {
			break
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, fmt.Errorf("cannot read Service `%s`: %w", found.name, err)
		}
	}
	services, err := host.CoreV1().Services(found.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=vcluster,vcluster.loft.sh/service=true"})
	if err != nil {
		return nil, err
	}
	for _, service := range services.Items {
		if service.Name != found.name {
			return nil, fmt.Errorf("virtual cluster `%s` already lives in namespace `%s`", service.Name, found.namespace)
		}
	}
	log.Printf("virtual cluster `%s` in namespace `%s`", found.name, found.namespace)
	return found, nil
}

// hostName is vCluster's rule: what is too long for a label is cut and ends in a digest.
func (c *cluster) hostName(name, namespace string) string {
	full := strings.Join([]string{name, "x", namespace, "x", c.name}, "-")
	if len(full) <= 63 {
		return full
	}
	digest := sha256.Sum256([]byte(full))
	return strings.ReplaceAll(full[:52]+"-"+hex.EncodeToString(digest[:])[:10], ".-", "-")
}

// hostMeta is the metadata of an object's copy on the host.
func (c *cluster) hostMeta(virtual metav1.Object, kind string) metav1.ObjectMeta {
	labels := map[string]string{managedByLabel: c.name, namespaceLabel: virtual.GetNamespace()}
	for key, value := range virtual.GetLabels() {
		labels[key] = value
	}
	name := c.hostName(virtual.GetName(), virtual.GetNamespace())
	annotations := map[string]string{
		nameAnnotation:                      virtual.GetName(),
		namespaceAnnotation:                 virtual.GetNamespace(),
		uidAnnotation:                       string(virtual.GetUID()),
		kindAnnotation:                      "/v1, Kind=" + kind,
		annotationPrefix + "host-name":      name,
		annotationPrefix + "host-namespace": c.namespace,
	}
	for key, value := range virtual.GetAnnotations() {
		annotations[key] = value
	}
	return metav1.ObjectMeta{
		Name: name, Namespace: c.namespace, Labels: labels, Annotations: annotations,
		OwnerReferences: c.owners(metav1.GetControllerOfNoCopy(virtual) != nil),
	}
}

// owners makes the host remove everything with the cluster's Service.
func (c *cluster) owners(isController bool) []metav1.OwnerReference {
	if !c.config.Experimental.SyncSettings.SetOwner {
		return nil
	}
	return []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: c.service.Name, UID: c.service.UID, Controller: &isController}}
}

// applySecret makes the host's Secret hold what is wanted.
func (c *cluster) applySecret(ctx context.Context, wanted *corev1.Secret) error {
	secrets := c.host.CoreV1().Secrets(c.namespace)
	_, err := secrets.Create(ctx, wanted, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = secrets.Update(ctx, wanted, metav1.UpdateOptions{})
	}
	return err
}
