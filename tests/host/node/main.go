// Command node runs the test host: one Kubernetes node in namespaces of its own.
//
// It owns the processes, their namespaces, credentials, configuration and order. Building
// what it runs is left to the script `host` beside it, making volumes to `provisioner`.
//
//	node up STATE       start the host, or find that it runs
//	node down STATE     end what `up` started, leave nothing of it on the machine
//	node status STATE   say whether it runs, and where; exit 1 when it does not
//	node inside STATE   what `up` starts as the first process of the namespaces
package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

func main() {
	// Among what the caller left open is the lock of `host`. It stays here, should the script
	// be killed, but is not handed down to what stays running.
	for descriptor := 3; descriptor < 256; descriptor++ {
		syscall.CloseOnExec(descriptor)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "host: %v\n", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 2 {
		return fmt.Errorf("usage: node up|down|status STATE")
	}
	state := stateFolder(arguments[1])
	switch arguments[0] {
	case "up":
		return up(state)
	case "down":
		return down(state)
	case "status":
		return status(state)
	case "inside":
		return inside(state)
	}
	return fmt.Errorf("`%s` is no command of node", arguments[0])
}

func up(state stateFolder) error {
	started := time.Now()
	if running, found := readRecord(state); found && running.isAlive() && state.exists("run/ready") {
		fmt.Printf("Running: %s\n", state.path("admin.kubeconfig"))
		return nil
	}
	if err := removeRemains(state); err != nil {
		return err
	}
	if err := start(state); err != nil {
		return err
	}
	if err := waitReady(state); err != nil {
		return errors.Join(err, removeProcesses(state), removeCgroups(state))
	}
	fmt.Printf("Ready in %.1f s: %s\n", time.Since(started).Seconds(), state.path("admin.kubeconfig"))
	return nil
}

func down(state stateFolder) error {
	if err := removeRemains(state); err != nil {
		return err
	}
	return state.remove("admin.kubeconfig")
}

func status(state stateFolder) error {
	running, found := readRecord(state)
	if !found || !running.isAlive() {
		return fmt.Errorf("not running; logs of the last run, if any: %s", state.path("log"))
	}
	if !state.exists("run/ready") {
		return fmt.Errorf("starting or broken; logs: %s", state.path("log"))
	}
	fmt.Printf("running: %s\nfirst process: %d\nnetwork: %s\nkubeconfig: %s\nlogs: %s\n",
		running.Network.server(), running.Process, running.Network.link(), state.path("admin.kubeconfig"), state.path("log"))
	return nil
}
