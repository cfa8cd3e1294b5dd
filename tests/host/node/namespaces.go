package main

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// home is the state folder as the host's own programs see it: short, because a socket's
// path may have 107 bytes, and the same wherever the checkout is.
const home = "/run/vc"

const (
	startLimit = 2 * time.Minute
	endLimit   = 20 * time.Second
)

// start makes the namespaces with their first process, joins their network to the machine
// and lets the process go on. When the first process ends, the kernel ends all the others
// and removes mounts and links, so nothing can be left half-stopped.
func start(state stateFolder) error {
	err := firstError(
		func() error { return state.remove("log") },
		func() error { return os.MkdirAll(state.path("log"), 0o755) },
		func() error { return os.MkdirAll(state.path("run"), 0o755) },
	)
	if err != nil {
		return err
	}
	log, err := os.Create(state.path("log/node.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	hold, release, err := os.Pipe()
	if err != nil {
		return err
	}
	defer release.Close()
	first := exec.Command("/proc/self/exe", "inside", string(state))
	first.Stdout, first.Stderr = log, log
	first.Dir = "/"
	first.Env = []string{"PATH=" + os.Getenv("PATH")}
	first.ExtraFiles = []*os.File{hold}
	first.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
	}
	if err := first.Start(); err != nil {
		return fmt.Errorf("cannot make namespaces: %w", err)
	}
	// Not waited for: it outlives this process. If it ended early, a zombie of ours counts as gone.
	hold.Close()
	network, err := joinNetwork(state, first.Process.Pid)
	if err == nil {
		err = newRecord(first.Process.Pid, network).write(state)
	}
	if err == nil {
		// Until now the first process waits; should we die, it reads the end of the pipe and ends too.
		err = json.NewEncoder(release).Encode(network)
	}
	if err != nil {
		_ = first.Process.Kill()
		return err
	}
	return nil
}

// joinNetwork takes the first free number, from one that is this folder's own so that the
// addresses stay the same from run to run.
func joinNetwork(state stateFolder, process int) (network, error) {
	offset := int(hash(string(state)) % networks)
	for i := range networks {
		candidate := network{(offset + i) % networks}
		if candidate.isTaken() {
			continue
		}
		err := candidate.join(process)
		if err == nil || !candidate.isTaken() {
			return candidate, err
		}
	}
	return network{}, fmt.Errorf("all %d networks for test hosts are taken; `ip link` shows them as `vc-host-…`", networks)
}

func hash(text string) uint32 {
	sum := fnv.New32a()
	sum.Write([]byte(text))
	return sum.Sum32()
}

func waitReady(state stateFolder) error {
	running, _ := readRecord(state)
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if state.exists("run/ready") {
			return nil
		}
		if !running.isAlive() {
			return failure(state)
		}
	}
	return fmt.Errorf("not ready after %s\n%s", startLimit, failure(state))
}

// failure tells what the first process said last, which names the program that failed.
func failure(state stateFolder) error {
	culprit := strings.TrimSpace(state.read("run/failed"))
	if culprit == "" {
		culprit = "node"
	}
	return fmt.Errorf("`%s` failed; the end of its log:\n%s\nlogs: %s", culprit, tail(state.read("log/"+culprit+".log"), 15), state.path("log"))
}

func tail(text string, count int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "    " + strings.Join(lines[max(0, len(lines)-count):], "\n    ")
}

// removeRemains brings the machine to where nothing of this host runs, whatever state a
// killed run left.
//
// Processes first: they write to the rest.
func removeRemains(state stateFolder) error {
	if err := removeProcesses(state); err != nil {
		return err
	}
	return firstError(
		func() error { return removeCgroups(state) },
		func() error { return state.remove("run") },
	)
}

func removeProcesses(state stateFolder) error {
	running, found := readRecord(state)
	if !found || running.Boot != bootID() {
		return nil
	}
	if running.isAlive() {
		if err := syscall.Kill(running.Process, syscall.SIGKILL); err != nil {
			return err
		}
	}
	for deadline := time.Now().Add(endLimit); running.isAlive(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d of the host did not end within %s", running.Process, endLimit)
		}
	}
	// The kernel takes the link down with the namespace, a moment later. If it stays, another checkout's host has the number now.
	for deadline := time.Now().Add(2 * time.Second); running.Network.isTaken() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// cgroupName differs between checkouts: a kubelet ends every pod below its root that it does not know.
func cgroupName(state stateFolder) string {
	return fmt.Sprintf("vc-host-%08x", hash(string(state)))
}

func removeCgroups(state stateFolder) error {
	// Version 2 has one tree, version 1 one for each controller.
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		roots, err := filepath.Glob(pattern + cgroupName(state))
		if err != nil {
			return err
		}
		for _, root := range roots {
			if err := removeCgroup(root); err != nil && !isMissing(err) {
				return fmt.Errorf("cannot remove cgroup `%s`: %w", root, err)
			}
		}
	}
	return nil
}

func removeCgroup(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			if err := removeCgroup(filepath.Join(folder, entry.Name())); err != nil && !isMissing(err) {
				return err
			}
		}
	}
	// A process that has just ended may hold its cgroup for a moment.
	for range 200 {
		if err = syscall.Rmdir(folder); err != syscall.EBUSY {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}
