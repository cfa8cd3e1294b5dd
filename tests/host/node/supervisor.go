package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// supervisor starts programs and, being the first process, collects every process that ends:
// its own and those whose parent ended before them.
type supervisor struct {
	state  stateFolder
	failed chan error

	mutex   sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

func newSupervisor(state stateFolder) *supervisor {
	host := &supervisor{state: state, failed: make(chan error, 16), waiting: map[int]chan syscall.WaitStatus{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			host.collect()
		}
	}()
	return host
}

func (s *supervisor) collect() {
	// Held so that a process which ends at once is not collected before it is known.
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for {
		var status syscall.WaitStatus
		process, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || process <= 0 {
			return
		}
		if waiting, known := s.waiting[process]; known {
			delete(s.waiting, process)
			waiting <- status
		}
	}
}

// spawn starts a program with a log of its own, `NAME.log`. Its end is told on the channel.
func (s *supervisor) spawn(name string, arguments ...string) (<-chan syscall.WaitStatus, error) {
	output, err := os.OpenFile(s.state.path("log/"+name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	program := exec.Command(arguments[0], arguments[1:]...)
	program.Stdout, program.Stderr = output, output
	program.Dir = s.state.path("run")
	program.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := program.Start(); err != nil {
		return nil, s.blame(name, err)
	}
	ended := make(chan syscall.WaitStatus, 1)
	s.waiting[program.Process.Pid] = ended
	return ended, nil
}

// serve starts a program that is to run as long as the host.
func (s *supervisor) serve(name string, arguments ...string) error {
	ended, err := s.spawn(name, append([]string{name}, arguments...)...)
	if err != nil {
		return err
	}
	log.Printf("started `%s`", name)
	go func() {
		status := <-ended
		s.failed <- s.blame(name, fmt.Errorf("`%s` ended with status %d", name, status.ExitStatus()))
	}()
	return nil
}

// complete runs a program to its end.
func (s *supervisor) complete(name string, arguments ...string) error {
	ended, err := s.spawn(name, arguments...)
	if err != nil {
		return err
	}
	if status := <-ended; status != 0 {
		return s.blame(name, fmt.Errorf("`%s` ended with status %d", name, status.ExitStatus()))
	}
	return nil
}

// blame notes for `node up` whose log to show: the first failure's, as the others may follow from it.
func (s *supervisor) blame(name string, err error) error {
	if !s.state.exists("run/failed") {
		_ = s.state.write("run/failed", []byte(name))
	}
	return err
}
