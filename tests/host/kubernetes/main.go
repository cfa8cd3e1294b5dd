// Command kubernetes is every Kubernetes program that the test host runs, in one
// static binary: the name it is called by chooses the program.
//
// One binary instead of six links the shared code once, which is most of it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func program(name string) (command *cobra.Command, known bool) {
	switch name {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand(), true
	case "kube-controller-manager":
		return controllermanager.NewControllerManagerCommand(), true
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand(), true
	case "kube-proxy":
		return proxy.NewProxyCommand(), true
	case "kubelet":
		return kubelet.NewKubeletCommand(context.Background()), true
	case "kubectl":
		return kubectl.NewDefaultKubectlCommand(), true
	}
	return nil, false
}

func main() {
	name := filepath.Base(os.Args[0])
	command, known := program(name)
	if !known {
		fmt.Fprintf(os.Stderr, "kubernetes: `%s` is no program of Kubernetes that is in here\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(command))
}
