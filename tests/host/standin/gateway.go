package main

import (
	"io"
	"log"
	"net"
	"time"
)

// serveGateway joins port 8443 to the API server, byte for byte: certificates of clients,
// upgrades and health checks are the API server's own. It opens only when the cluster is usable.
func serveGateway(failed chan<- error) error {
	listener, err := net.Listen("tcp", ":8443")
	if err != nil {
		return err
	}
	go func() {
		for {
			outer, err := listener.Accept()
			if err != nil {
				failed <- err
				return
			}
			go join(outer)
		}
	}()
	log.Print("serving on 8443")
	return nil
}

func join(connection net.Conn) {
	outer := connection.(*net.TCPConn)
	defer outer.Close()
	connection, err := net.Dial("tcp", "127.0.0.1:6443")
	if err != nil {
		log.Printf("no connection to the API server: %v", err)
		return
	}
	inner := connection.(*net.TCPConn)
	defer inner.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(inner, outer)
		_ = inner.CloseWrite()
		// What the API server no longer takes is taken here: to reset the connection would break
		// a port-forward with everything else that it carries.
		_, _ = io.Copy(io.Discard, outer)
	}()
	_, _ = io.Copy(outer, inner)
	_ = outer.CloseWrite()
	select {
	case <-sent:
	case <-time.After(10 * time.Second):
	}
}
