package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// api asks the host's API server the few questions that starting needs, as the administrator.
type api struct {
	server string
	client http.Client
}

func newAPI(state stateFolder, network network) (*api, error) {
	pair, err := tls.X509KeyPair([]byte(state.read("run/pki/admin.crt")), []byte(state.read("run/pki/admin.key")))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(state.read("run/pki/ca.crt")))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	return &api{network.server(), http.Client{Transport: transport, Timeout: 5 * time.Second}}, nil
}

func (a *api) isReady() bool { return a.get("/readyz", nil) == nil }

func (a *api) hasDefaultAccount() bool {
	return a.get("/api/v1/namespaces/default/serviceaccounts/default", nil) == nil
}

func (a *api) isNodeReady() bool {
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if a.get("/api/v1/nodes/"+nodeName, &node) != nil {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == "Ready" {
			return condition.Status == "True"
		}
	}
	return false
}

func (a *api) get(path string, into any) error {
	return a.do(http.MethodGet, path, "", into)
}

func (a *api) create(path, object string) error {
	return a.do(http.MethodPost, path, object, nil)
}

func (a *api) do(method, path, body string, into any) error {
	request, err := http.NewRequest(method, a.server+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("`%s %s` answered %s: %s", method, path, answer.Status, content)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(content, into)
}
