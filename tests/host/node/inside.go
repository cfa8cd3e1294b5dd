package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// inside is the life of the first process: prepare the namespaces, start every program in
// order, say that the host is ready, and end, with everything, when a program ends.
func inside(state stateFolder) error {
	var network network
	if err := json.NewDecoder(os.NewFile(3, "release")).Decode(&network); err != nil {
		return fmt.Errorf("`node up` went away before the host was joined to the machine")
	}
	// The folder's path may lie below one that is about to be covered.
	folder, err := os.Open(string(state))
	if err != nil {
		return err
	}
	cgroup := cgroupName(state)
	state = home
	err = firstError(
		func() error { return mountAll(folder) },
		func() error { return syscall.Sethostname([]byte(nodeName)) },
		network.setUpInside,
		func() error { return makeCgroups(cgroup) },
		func() error { return writeCredentials(state, network) },
		func() error { return writeConfiguration(state, network, cgroup) },
		setEnvironment,
	)
	if err != nil {
		return err
	}
	host := newSupervisor(state)
	if err := host.bringUp(network); err != nil {
		return err
	}
	if err := state.write("run/ready", nil); err != nil {
		return err
	}
	return <-host.failed
}

// mountAll covers every folder of the machine that a program of the host writes to.
func mountAll(state *os.File) error {
	mount := func(source, target, kind string, flags uintptr) func() error {
		return func() error {
			if err := os.MkdirAll(target, 0o755); err != nil {
				return err
			}
			if err := syscall.Mount(source, target, kind, flags, ""); err != nil {
				return fmt.Errorf("cannot mount `%s` on `%s`: %w", source, target, err)
			}
			return nil
		}
	}
	return firstError(
		// First private, so that nothing reaches the machine; then shared among ourselves, which pods may ask for.
		mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE),
		mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED),
		mount("proc", "/proc", "proc", 0),
		mount("tmpfs", "/run", "tmpfs", 0),
		mount(fmt.Sprintf("/proc/self/fd/%d", state.Fd()), home, "", syscall.MS_BIND),
		mount("tmpfs", "/var/lib", "tmpfs", 0),
		func() error { return os.MkdirAll(home+"/run/kubelet", 0o755) },
		func() error { return os.MkdirAll(home+"/run/volumes", 0o755) },
		mount(home+"/run/kubelet", "/var/lib/kubelet", "", syscall.MS_BIND),
		mount(home+"/log", "/var/log", "", syscall.MS_BIND),
		coverKernelSettings,
	)
}

// coverKernelSettings gives the kubelet copies of the kernel settings it insists on: they are the machine's, not the namespace's.
func coverKernelSettings() error {
	if err := os.MkdirAll("/run/kernel", 0o755); err != nil {
		return err
	}
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"} {
		value, err := os.ReadFile("/proc/sys/" + name)
		if isMissing(err) {
			continue
		}
		cover := "/run/kernel/" + filepath.Base(name)
		if err := os.WriteFile(cover, value, 0o644); err != nil {
			return err
		}
		if err := syscall.Mount(cover, "/proc/sys/"+name, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("cannot cover kernel setting `%s`: %w", name, err)
		}
	}
	return nil
}

// makeCgroups makes the root of all pods' cgroups, which the kubelet expects to exist.
func makeCgroups(name string) error {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return os.MkdirAll("/sys/fs/cgroup/"+name, 0o755)
	}
	controllers, err := filepath.Glob("/sys/fs/cgroup/*")
	if err != nil {
		return err
	}
	for _, controller := range controllers {
		if facts, err := os.Lstat(controller); err != nil || !facts.IsDir() {
			continue
		}
		if err := os.MkdirAll(filepath.Join(controller, name), 0o755); err != nil {
			return err
		}
	}
	// A new cpuset has neither CPUs nor memory, and no process can be put into it.
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		value, err := os.ReadFile("/sys/fs/cgroup/cpuset/" + file)
		if isMissing(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile("/sys/fs/cgroup/cpuset/"+name+"/"+file, value, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// setEnvironment lets the unpacked packages find their own programs and libraries.
func setEnvironment() error {
	packages := home + "/packages"
	search := []string{home + "/bin", packages + "/usr/sbin", packages + "/usr/bin", packages + "/sbin", packages + "/bin", os.Getenv("PATH")}
	libraries, err := filepath.Glob(packages + "/usr/lib/*-linux-*")
	if err != nil {
		return err
	}
	set := func(name, value string) func() error { return func() error { return os.Setenv(name, value) } }
	steps := []func() error{
		set("PATH", strings.Join(search, ":")),
		set("HOME", "/run"),
		set("LD_LIBRARY_PATH", strings.Join(libraries, ":")),
		set("ETCD_UNSUPPORTED_ARCH", "arm64"),
	}
	for _, folder := range libraries {
		if _, err := os.Stat(folder + "/xtables"); err == nil {
			steps = append(steps, set("XTABLES_LIBDIR", folder+"/xtables"))
		}
	}
	return firstError(steps...)
}
