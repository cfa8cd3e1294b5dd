package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const (
	serviceRange   = "10.96.0.0/16"
	podRange       = "10.244.0.0/24"
	serviceAddress = "10.96.0.1"
	nodeName       = "vc-host"
	apiPort        = 6443
	networks       = 250
)

// network is the host's own network namespace, seen from the machine: a veth pair whose
// number also chooses the addresses. The name of the link on the machine is what reserves
// the number, so hosts of several checkouts never meet.
type network struct {
	Number int `json:"number"`
}

func (n network) link() string           { return fmt.Sprintf("vc-host-%d", n.Number) }
func (n network) machineAddress() string { return fmt.Sprintf("10.213.%d.1", n.Number) }
func (n network) address() string        { return fmt.Sprintf("10.213.%d.2", n.Number) }
func (n network) server() string         { return fmt.Sprintf("https://%s:%d", n.address(), apiPort) }

// join makes the link between the machine and the namespace of `process`. The peer is made
// where it belongs, so that the link goes away with the namespace, whatever happens.
func (n network) join(process int) error {
	err := command("ip", "link", "add", n.link(), "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(process))
	if err != nil {
		return err
	}
	return firstError(
		func() error { return command("ip", "address", "add", n.machineAddress()+"/30", "dev", n.link()) },
		func() error { return command("ip", "link", "set", n.link(), "up") },
	)
}

func (n network) isTaken() bool {
	_, err := os.Lstat("/sys/class/net/" + n.link())
	return err == nil
}

// setUpInside is the namespace's half.
func (n network) setUpInside() error {
	return firstError(
		func() error { return command("ip", "link", "set", "lo", "up") },
		func() error { return command("ip", "address", "add", n.address()+"/30", "dev", "eth0") },
		func() error { return command("ip", "link", "set", "eth0", "up") },
		// Nothing is forwarded beyond; but without a default route the kernel refuses service addresses before kube-proxy's rules see them.
		func() error { return command("ip", "route", "add", "default", "via", n.machineAddress()) },
		func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) },
	)
}

func command(name string, arguments ...string) error {
	output, err := exec.Command(name, arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("`%s %s` failed: %w: %s", name, strings.Join(arguments, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
