package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"vc/tests/host/pki"
)

const (
	pkiFolder      = "/pki"
	apiServer      = "https://127.0.0.1:6443"
	serviceRange   = "10.96.0.0/16"
	serviceAddress = "10.96.0.1"
	adminName      = "kubernetes-super-admin"
)

// credentials are those of the virtual cluster. Authority, account key and administrator
// live in the Secret `<name>-certs` and stay the same for the cluster's life; certificates
// for servers are made at each start, because the pod's address changes.
type credentials struct {
	authority *pki.Authority
	admin     pki.Pair
	kubelet   pki.Pair
}

func (c *credentials) clientConfig() *rest.Config {
	return &rest.Config{
		Host: apiServer, QPS: 500, Burst: 1000,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.Certificate, CertData: c.admin.Certificate, KeyData: c.admin.Key},
	}
}

func (c *credentials) kubeconfig(server, user string, pair pki.Pair) []byte {
	return pki.Kubeconfig{
		Cluster: "kubernetes", User: user, Context: user + "@kubernetes",
		Server: server, Authority: c.authority.Certificate, Client: pair,
	}.YAML()
}

func ensureCredentials(ctx context.Context, cluster *cluster) (*credentials, error) {
	name := cluster.name + "-certs"
	secrets := cluster.host.CoreV1().Secrets(cluster.namespace)
	stored, err := secrets.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		data, err := newCredentials()
		if err != nil {
			return nil, err
		}
		wanted := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: cluster.namespace, OwnerReferences: cluster.owners(false)},
			Type:       corev1.SecretTypeOpaque,
			Data:       data,
		}
		stored, err = secrets.Create(ctx, wanted, metav1.CreateOptions{})
		if err != nil {
			return nil, fmt.Errorf("cannot create Secret `%s`: %w", name, err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("cannot read Secret `%s`: %w", name, err)
	}
	loaded, err := loadCredentials(stored.Data)
	if err != nil {
		return nil, fmt.Errorf("cannot use Secret `%s`: %w", name, err)
	}
	return loaded, loaded.writeFiles(cluster, stored.Data)
}

func newCredentials() (map[string][]byte, error) {
	authority, err := pki.NewAuthority("kubernetes")
	if err != nil {
		return nil, err
	}
	accounts, err := pki.NewServiceAccountKey()
	if err != nil {
		return nil, err
	}
	// The one key that clients meet is of the same sort as vCluster's.
	admin, err := authority.IssueRSA(pki.Subject{CommonName: adminName, Organization: []string{"system:masters"}})
	if err != nil {
		return nil, err
	}
	made := &credentials{authority: authority}
	return map[string][]byte{
		"ca.crt": authority.Certificate, "ca.key": authority.Key,
		"server-ca.crt": authority.Certificate, "server-ca.key": authority.Key,
		"client-ca.crt": authority.Certificate, "client-ca.key": authority.Key,
		"sa.pub": accounts.Certificate, "sa.key": accounts.Key,
		"admin.conf": made.kubeconfig(apiServer, adminName, admin),
	}, nil
}

func loadCredentials(data map[string][]byte) (*credentials, error) {
	authority, err := pki.LoadAuthority(pki.Pair{Certificate: data["ca.crt"], Key: data["ca.key"]})
	if err != nil {
		return nil, err
	}
	admin, err := clientcmd.RESTConfigFromKubeConfig(data["admin.conf"])
	if err != nil {
		return nil, err
	}
	return &credentials{authority: authority, admin: pki.Pair{Certificate: admin.CertData, Key: admin.KeyData}}, nil
}

func (c *credentials) writeFiles(cluster *cluster, stored map[string][]byte) error {
	service, namespace := cluster.name, cluster.namespace
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback, net.ParseIP(serviceAddress), net.ParseIP(cluster.podAddress)}
	if address := net.ParseIP(cluster.service.Spec.ClusterIP); address != nil {
		addresses = append(addresses, address)
	}
	server, err := c.authority.Issue(pki.Subject{
		CommonName: "kube-apiserver",
		Names: []string{
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
			service, service + "." + namespace, service + "." + namespace + ".svc", service + "." + namespace + ".svc.cluster.local",
			"*." + service + "-headless." + namespace, "*." + service + "-headless." + namespace + ".svc",
		},
		Addresses: addresses,
	})
	if err != nil {
		return err
	}
	kubeletClient, err := c.authority.Issue(pki.Subject{CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}})
	if err != nil {
		return err
	}
	controllers, err := c.authority.Issue(pki.Subject{CommonName: "system:kube-controller-manager"})
	if err != nil {
		return err
	}
	c.kubelet, err = c.authority.Issue(pki.Subject{CommonName: "kubelet", Addresses: addresses})
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"apiserver.crt": server.Certificate, "apiserver.key": server.Key,
		"apiserver-kubelet-client.crt": kubeletClient.Certificate, "apiserver-kubelet-client.key": kubeletClient.Key,
		"controller-manager.conf": c.kubeconfig(apiServer, "system:kube-controller-manager", controllers),
	}
	for name, content := range stored {
		files[name] = content
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(pkiFolder, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes `vc-<name>`, which tells every client that the cluster is usable.
func writeKubeconfig(ctx context.Context, cluster *cluster, credentials *credentials) error {
	return cluster.applySecret(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Name: "vc-" + cluster.name, Namespace: cluster.namespace,
			Labels:          map[string]string{"app": "vcluster", "vcluster-name": cluster.name},
			OwnerReferences: cluster.owners(false),
		},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{
			"config":                credentials.kubeconfig("https://localhost:8443", adminName, credentials.admin),
			"certificate-authority": credentials.authority.Certificate,
			"client-certificate":    credentials.admin.Certificate,
			"client-key":            credentials.admin.Key,
			"token":                 {},
		},
	})
}
