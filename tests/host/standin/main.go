// Command standin takes the place of vCluster's control-plane image where that cannot be
// pulled. It is no vCluster: it keeps the part of the contract that a client can see.
//
// From the chart's mounts and environment it starts kine, a real API server and a real
// controller manager, writes the Secrets that vCluster writes, serves on 8443, and runs the
// tenant's pods in the host's namespace under vCluster's names. What it leaves out is
// listed in tests/host/README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	configFile = "/var/lib/vcluster/config.yaml"
	notice     = "this is the stand-in of vc's tests, not vCluster"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "standin: %v\n", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 1 {
		return fmt.Errorf("usage: /vcluster start|version")
	}
	switch arguments[0] {
	case "version":
		fmt.Println(notice)
		return nil
	case "start":
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
		defer stop()
		return start(ctx)
	}
	return fmt.Errorf("`%s` is no command of the stand-in: %s", arguments[0], notice)
}

// start is the order of things. The two Secrets and the port are the signals that clients
// wait for, so each comes only when what it promises is true.
func start(ctx context.Context) error {
	began := time.Now()
	said := func(what string) { log.Printf("%4.1f s: %s", time.Since(began).Seconds(), what) }
	log.Print(notice)
	config, err := readConfig(configFile)
	if err != nil {
		return err
	}
	host, hostConfig, err := hostClient()
	if err != nil {
		return err
	}
	cluster, err := identify(ctx, host, config)
	if err != nil {
		return err
	}
	credentials, err := ensureCredentials(ctx, cluster)
	if err != nil {
		return err
	}
	said("Secret `" + cluster.name + "-certs` is there")

	processes := newProcesses(ctx)
	defer processes.end()
	if err := processes.startStore(); err != nil {
		return err
	}
	if err := processes.startAPIServer(config); err != nil {
		return err
	}
	virtual, err := kubernetes.NewForConfig(credentials.clientConfig())
	if err != nil {
		return err
	}
	if err := processes.until("the API server", func() bool { return isReady(ctx, virtual) }); err != nil {
		return err
	}
	said("the API server answers")
	if err := processes.startControllerManager(config); err != nil {
		return err
	}
	if err := processes.until("service account `default/default`", func() bool { return hasDefaultAccount(ctx, virtual) }); err != nil {
		return err
	}
	said("service account `default/default` is there")

	if err := serveKubelet(cluster, credentials, hostConfig, processes.failed); err != nil {
		return err
	}
	if err := startSyncer(ctx, cluster, virtual); err != nil {
		return err
	}
	if err := serveGateway(processes.failed); err != nil {
		return err
	}
	if err := writeKubeconfig(ctx, cluster, credentials); err != nil {
		return err
	}
	said("Secret `vc-" + cluster.name + "` is there: the cluster is usable")
	select {
	case <-ctx.Done():
		return nil
	case err := <-processes.failed:
		return err
	}
}

func hostClient() (kubernetes.Interface, *rest.Config, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, nil, err
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	return client, config, err
}
