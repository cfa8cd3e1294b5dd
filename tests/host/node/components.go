package main

import (
	"fmt"
	"log"
	"net"
	"path/filepath"
	"time"
)

// bringUp starts everything, each as soon as what it needs is there, and returns when the
// node is Ready, its images are in place and volumes can be asked for.
func (s *supervisor) bringUp(network network) error {
	began := time.Now()
	said := func(what string) { log.Printf("%5.1f s: %s", time.Since(began).Seconds(), what) }
	err := firstError(
		func() error { return s.serve("containerd", "--config="+home+"/run/containerd.toml") },
		func() error { return s.serve("etcd", etcdArguments...) },
		func() error { return s.serve("kube-apiserver", apiServerArguments(network)...) },
	)
	if err != nil {
		return err
	}
	imported := make(chan error, 1)
	go func() { imported <- s.importImages() }()

	api, err := newAPI(s.state, network)
	if err != nil {
		return err
	}
	if err := s.until("kube-apiserver", "the API server", api.isReady); err != nil {
		return err
	}
	said("the API server answers")
	kubeconfig := "--kubeconfig=" + home + "/admin.kubeconfig"
	err = firstError(
		func() error { return s.serve("kube-controller-manager", controllerManagerArguments(kubeconfig)...) },
		func() error { return s.serve("kube-scheduler", kubeconfig, "--leader-elect=false") },
		func() error { return s.serve("kubelet", kubeletArguments(network)...) },
		func() error { return s.serve("kube-proxy", proxyArguments(kubeconfig)...) },
		func() error {
			return s.serve("provisioner", kubeconfig, "--folder="+home+"/run/volumes")
		},
		func() error { return api.create("/apis/storage.k8s.io/v1/storageclasses", storageClass) },
		func() error { return s.until("kubelet", "node `"+nodeName+"`", api.isNodeReady) },
	)
	if err != nil {
		return err
	}
	said("the node is Ready")
	if err := <-imported; err != nil {
		return err
	}
	said("images are in place")
	return s.until("kube-controller-manager", "service account `default`", api.hasDefaultAccount)
}

// until asks again and again, and stops when a program ended.
func (s *supervisor) until(program, what string, holds func() bool) error {
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); {
		select {
		case err := <-s.failed:
			// Put back: images and components are waited for at the same time.
			s.failed <- err
			return err
		case <-time.After(40 * time.Millisecond):
			if holds() {
				return nil
			}
		}
	}
	return s.blame(program, fmt.Errorf("%s was not ready in time", what))
}

func (s *supervisor) importImages() error {
	images, err := filepath.Glob(home + "/images/*.tar")
	if err != nil {
		return err
	}
	const socket = "/run/containerd/containerd.sock"
	listening := func() bool {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			connection.Close()
		}
		return err == nil
	}
	if err := s.until("containerd", "containerd", listening); err != nil {
		return err
	}
	for _, image := range images {
		if err := s.complete("images", "ctr", "--address="+socket, "--namespace=k8s.io", "images", "import", image); err != nil {
			return err
		}
	}
	// Which ones they are, for the script `host` to see whether a running host has the latest.
	return s.state.write("run/images", []byte(s.state.read("built/images")))
}

// In memory: no fsync on the way of any test, and nothing of it is meant to last.
var etcdArguments = []string{
	"--data-dir=/run/etcd", "--log-level=warn",
	"--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379", "--listen-peer-urls=http://127.0.0.1:2380",
}

func apiServerArguments(network network) []string {
	pki := home + "/run/pki/"
	return []string{
		"--etcd-servers=http://127.0.0.1:2379",
		"--advertise-address=" + network.address(),
		fmt.Sprintf("--secure-port=%d", apiPort),
		"--service-cluster-ip-range=" + serviceRange,
		"--tls-cert-file=" + pki + "apiserver.crt", "--tls-private-key-file=" + pki + "apiserver.key",
		"--client-ca-file=" + pki + "ca.crt",
		"--kubelet-client-certificate=" + pki + "admin.crt", "--kubelet-client-key=" + pki + "admin.key",
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + pki + "accounts.crt", "--service-account-signing-key-file=" + pki + "accounts.key",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--allow-privileged=true",
	}
}

func controllerManagerArguments(kubeconfig string) []string {
	pki := home + "/run/pki/"
	return []string{
		kubeconfig, "--leader-elect=false", "--use-service-account-credentials=true",
		"--service-account-private-key-file=" + pki + "accounts.key", "--root-ca-file=" + pki + "ca.crt",
		"--cluster-signing-cert-file=" + pki + "ca.crt", "--cluster-signing-key-file=" + pki + "ca.key",
		"--kube-api-qps=500", "--kube-api-burst=1000",
	}
}

func kubeletArguments(network network) []string {
	return []string{
		"--config=" + home + "/run/kubelet.yaml", "--kubeconfig=" + home + "/run/kubelet.kubeconfig",
		"--hostname-override=" + nodeName, "--node-ip=" + network.address(),
	}
}

// The limits on connection tracking are the machine's, and zero leaves them alone.
func proxyArguments(kubeconfig string) []string {
	return []string{
		kubeconfig, "--hostname-override=" + nodeName, "--proxy-mode=iptables", "--cluster-cidr=" + podRange,
		"--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0",
		"--oom-score-adj=0", "--iptables-min-sync-period=100ms",
	}
}

const storageClass = `{
	"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
	"metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
	"provisioner": "vc.test/folder", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer"
}`
