package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stateFolder holds everything of one host:
//
//	bin/ packages/ images/   built by the script `host`, kept by `down`
//	admin.kubeconfig         how to reach the running host
//	log/                     one file per program of the last run, and the pods' logs
//	run/                     what the running host writes; removed before and after each run
type stateFolder string

func (s stateFolder) path(name string) string { return filepath.Join(string(s), name) }

func (s stateFolder) exists(name string) bool {
	_, err := os.Lstat(s.path(name))
	return err == nil
}

func (s stateFolder) read(name string) string {
	content, _ := os.ReadFile(s.path(name))
	return string(content)
}

func (s stateFolder) write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o755); err != nil {
		return err
	}
	partial := s.path(name) + ".partial"
	if err := os.WriteFile(partial, content, 0o600); err != nil {
		return err
	}
	return os.Rename(partial, s.path(name))
}

func (s stateFolder) remove(name string) error { return os.RemoveAll(s.path(name)) }

// record names the first process of a running host in a way that survives the reuse of
// process ids and a restart of the machine.
type record struct {
	Process int     `json:"process"`
	Started string  `json:"started"`
	Boot    string  `json:"boot"`
	Network network `json:"network"`
}

func newRecord(process int, network network) record {
	return record{Process: process, Started: startTime(process), Boot: bootID(), Network: network}
}

func readRecord(state stateFolder) (found record, ok bool) {
	content, err := os.ReadFile(state.path("run/record.json"))
	if err != nil || json.Unmarshal(content, &found) != nil {
		return record{}, false
	}
	return found, true
}

func (r record) write(state stateFolder) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return state.write("run/record.json", content)
}

func (r record) isAlive() bool {
	return r.Started != "" && r.Boot == bootID() && startTime(r.Process) == r.Started
}

// startTime is field 22 of /proc/PID/stat, counted after the program's name, which may hold spaces.
// A zombie has none: it is as good as gone.
func startTime(process int) string {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return ""
	}
	_, rest, found := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fields[19]
}

func bootID() string {
	content, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(content))
}

// isMissing tells "was not there" from a failure.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
