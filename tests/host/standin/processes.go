package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const binaries = "/binaries/"

// processes are the programs of the control plane. None is restarted: when one ends, the
// container does, and the host starts it again.
type processes struct {
	ctx     context.Context
	failed  chan error
	started []*exec.Cmd
	ended   chan struct{}
}

func newProcesses(ctx context.Context) *processes {
	return &processes{ctx: ctx, failed: make(chan error, 16), ended: make(chan struct{}, 16)}
}

func (p *processes) start(name string, arguments ...string) error {
	program := exec.Command(binaries+name, arguments...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Start(); err != nil {
		return fmt.Errorf("cannot start `%s`: %w", name, err)
	}
	log.Printf("started `%s`", name)
	p.started = append(p.started, program)
	go func() {
		err := program.Wait()
		p.failed <- fmt.Errorf("`%s` ended: %w", name, errorOr(err, "with code 0"))
		p.ended <- struct{}{}
	}()
	return nil
}

// end stops what was started last first: the store must outlive those who write to it.
func (p *processes) end() {
	for _, program := range slices.Backward(p.started) {
		_ = program.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		// The API server would wait a minute for watches to close. Writes are in the store by now.
		case <-time.After(500 * time.Millisecond):
			_ = program.Process.Kill()
			<-p.ended
		}
	}
}

func (p *processes) until(what string, holds func() bool) error {
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); {
		select {
		case err := <-p.failed:
			return err
		case <-p.ctx.Done():
			return fmt.Errorf("ended while waiting for %s", what)
		case <-time.After(50 * time.Millisecond):
			if holds() {
				return nil
			}
		}
	}
	return fmt.Errorf("%s was not ready in time", what)
}

func (p *processes) startStore() error {
	if err := os.MkdirAll("/data", 0o700); err != nil {
		return err
	}
	// No fsync: what is written survives the end of the pod, and need not survive the machine's.
	err := p.start("kine", "--endpoint=sqlite:///data/state.db?_journal_mode=WAL&_synchronous=OFF&_txlock=immediate&_busy_timeout=30000&cache=shared",
		"--listen-address=tcp://127.0.0.1:2379", "--metrics-bind-address=0")
	if err != nil {
		return err
	}
	return p.until("kine", func() bool {
		connection, err := net.Dial("tcp", "127.0.0.1:2379")
		if err == nil {
			connection.Close()
		}
		return err == nil
	})
}

func (p *processes) startAPIServer(config config) error {
	return p.start("kube-apiserver", merge([]string{
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--bind-address=127.0.0.1", "--secure-port=6443",
		"--etcd-servers=http://127.0.0.1:2379",
		"--service-cluster-ip-range=" + serviceRange,
		"--client-ca-file=" + pkiFolder + "/client-ca.crt",
		"--tls-cert-file=" + pkiFolder + "/apiserver.crt", "--tls-private-key-file=" + pkiFolder + "/apiserver.key",
		"--kubelet-client-certificate=" + pkiFolder + "/apiserver-kubelet-client.crt", "--kubelet-client-key=" + pkiFolder + "/apiserver-kubelet-client.key",
		"--kubelet-certificate-authority=" + pkiFolder + "/ca.crt", "--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + pkiFolder + "/sa.pub", "--service-account-signing-key-file=" + pkiFolder + "/sa.key",
		"--authorization-mode=RBAC", "--allow-privileged=true", "--watch-cache=true",
	}, config.ControlPlane.Distro.K8S.APIServer.ExtraArgs)...)
}

// The controllers left out would fight the host's, which own nodes and volumes.
func (p *processes) startControllerManager(config config) error {
	return p.start("kube-controller-manager", merge([]string{
		"--kubeconfig=" + pkiFolder + "/controller-manager.conf",
		// Without these two it would ask the host, as whose pod it runs.
		"--authentication-kubeconfig=" + pkiFolder + "/controller-manager.conf", "--authorization-kubeconfig=" + pkiFolder + "/controller-manager.conf",
		"--controllers=*,-nodeipam,-nodelifecycle,-persistentvolume-binder,-attachdetach,-persistentvolume-expander,-cloud-node-lifecycle,-ttl",
		"--use-service-account-credentials=true", "--leader-elect=true", "--bind-address=127.0.0.1",
		"--service-account-private-key-file=" + pkiFolder + "/sa.key", "--root-ca-file=" + pkiFolder + "/ca.crt",
		"--cluster-signing-cert-file=" + pkiFolder + "/ca.crt", "--cluster-signing-key-file=" + pkiFolder + "/ca.key",
	}, config.ControlPlane.Distro.K8S.ControllerManager.ExtraArgs)...)
}

// merge lets a configured flag take the place of ours.
func merge(ours, configured []string) []string {
	flag := func(argument string) string {
		name, _, _ := strings.Cut(argument, "=")
		return name
	}
	kept := slices.DeleteFunc(ours, func(argument string) bool {
		return slices.ContainsFunc(configured, func(other string) bool { return flag(other) == flag(argument) })
	})
	return append(kept, configured...)
}

func isReady(ctx context.Context, client kubernetes.Interface) bool {
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
}

func hasDefaultAccount(ctx context.Context, client kubernetes.Interface) bool {
	_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err == nil
}

func errorOr(err error, text string) error {
	if err == nil {
		return fmt.Errorf("%s", text)
	}
	return err
}
